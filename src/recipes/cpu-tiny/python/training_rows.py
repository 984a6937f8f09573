"""Rows in the MLLM format and the text that the model reads of them. Needs no torch: the check of lengths is quick."""

import json
from collections.abc import Callable
from pathlib import Path

from cli_errors import BadInput

PLACEHOLDER = "<image>"


def load_rows(data: str, image_root: str) -> list[dict]:
    """Return the rows of all files (a comma list) with absolute image paths; refuse a row that cannot be trained on."""
    return [row for path in data.split(",") for row in load_file(path, image_root)]


def load_file(path: str, image_root: str) -> list[dict]:
    rows = json.loads(Path(path).read_text(encoding="utf-8"))
    for number, row in enumerate(rows):
        where = f"--data {path}: row {number}"
        row["images"] = [str(Path(image_root) / image) for image in row.get("images") or []]
        for image in row["images"]:
            if not Path(image).is_file():
                raise BadInput(f"{where}: image {image} does not exist. Check --image-root {image_root}.")
        placeholders = sum(message["content"].count(PLACEHOLDER) for message in row["messages"])
        if placeholders != len(row["images"]):
            raise BadInput(f"{where}: {placeholders} {PLACEHOLDER} but {len(row['images'])} images. Make them equal.")
        if not any(message["role"] == "assistant" for message in row["messages"]):
            raise BadInput(f"{where}: there is no assistant message, so nothing to learn. Remove the row.")
    return rows


def segments(
    messages: list[dict],
    tokens_per_image: list[int],
    render: Callable[[list[dict], bool], str],
    image_token: str,
) -> list[tuple[str, bool]]:
    """Split the rendered conversation into (text, is it an answer), image tokens already repeated.

    `render` gives the text of messages, and whether the beginning of an answer follows.
    """
    counts = list(tokens_per_image)
    parts = [{"role": message["role"], "content": content_parts(message["content"])} for message in messages]
    found: list[tuple[str, bool]] = []
    done = 0
    for index, message in enumerate(parts):
        if message["role"] != "assistant":
            continue
        prompt = render(parts[:index], True)
        whole = render(parts[: index + 1], False)
        pieces = prompt[done:].split(image_token)
        repeated = "".join(piece + image_token * counts.pop(0) for piece in pieces[:-1]) + pieces[-1]
        found += [(repeated, False), (whole[len(prompt) :], True)]
        done = len(whole)
    return found


def content_parts(content: str) -> list[dict]:
    """Split a content at its image placeholders into template parts; a line break right after one is dropped."""
    first, *rest = content.split(PLACEHOLDER)
    parts: list[dict] = [{"type": "text", "text": first}]
    for text in rest:
        parts += [{"type": "image"}, {"type": "text", "text": text.removeprefix("\n")}]
    return [part for part in parts if part.get("text") != ""]


def too_long(row: dict, tokens: int, sequence_length: int) -> str:
    """Say how long a row is, which one it is, and what helps."""
    return (
        f"{tokens} tokens, more than --seq-length {sequence_length}: "
        f"{row['messages'][0]['content'][:60]!r}. Raise --seq-length or use smaller images."
    )
