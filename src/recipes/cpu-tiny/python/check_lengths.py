"""Refuse rows that training would refuse for their length: exact, by the model's own tokenizer, and without torch."""

import argparse
import json
from pathlib import Path

from cli_errors import BadInput, run_cli
from jinja2.sandbox import ImmutableSandboxedEnvironment
from PIL import Image
from tiny_images import IMAGE_SIZE, PATCH_SIZE, image_processor_settings, image_tokens
from tiny_tokenizer import CHAT_TEMPLATE, IMAGE, build_tokenizer
from tokenizers import Tokenizer
from training_rows import load_rows, segments, too_long


def main() -> None:
    arguments = parse_arguments()
    reader = own_reader() if arguments.hf_dir is None else given_reader(arguments.hf_dir)
    longest = 0
    found: list[str] = []
    rows = load_rows(arguments.data, arguments.image_root)
    for number, row in enumerate(rows):
        tokens = reader.tokens(row)
        longest = max(longest, tokens)
        if tokens > arguments.seq_length:
            found.append(f"row {number} has {too_long(row, tokens, arguments.seq_length)}")
    if found:
        raise BadInput(f"--data {arguments.data}: {len(found)} of {len(rows)} rows are too long, the first: {found[0]}")
    print(f"{len(rows)} rows, the longest has {longest} of {arguments.seq_length} tokens")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="JSON file of rows, or several, separated by commas")
    parser.add_argument("--image-root", default="/")
    parser.add_argument("--seq-length", type=int, required=True)
    parser.add_argument("--hf-dir", type=Path, help="folder of the model; without it the tiny one's own settings")
    return parser.parse_args()


class RowReader:
    """Counts the tokens of a row as training encodes it."""

    def __init__(self, tokenizer: Tokenizer, template: str, image_settings: dict) -> None:
        self._tokenizer = tokenizer
        # As transformers compiles chat templates.
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        self._template = environment.from_string(template)
        self._image_settings = image_settings

    def tokens(self, row: dict) -> int:
        counts = [self._image_tokens(path) for path in row["images"]]
        texts = segments(row["messages"], counts, self._render, IMAGE)
        return sum(len(self._tokenizer.encode(text, add_special_tokens=False).ids) for text, _ in texts)

    def _render(self, messages: list[dict], add_generation_prompt: bool) -> str:
        return self._template.render(messages=messages, add_generation_prompt=add_generation_prompt)

    def _image_tokens(self, path: str) -> int:
        with Image.open(path) as image:
            return image_tokens(*image.size, self._image_settings)


def own_reader() -> RowReader:
    return RowReader(build_tokenizer(), CHAT_TEMPLATE, image_processor_settings(IMAGE_SIZE, PATCH_SIZE))


def given_reader(folder: Path) -> RowReader:
    """Return the reader of a model folder as `make_weights.py` writes it."""
    settings = json.loads((folder / "preprocessor_config.json").read_text(encoding="utf-8"))
    template = (folder / "chat_template.jinja").read_text(encoding="utf-8")
    (folder / "tokenizer.json").stat()  # the tokenizer's own error does not name the file
    return RowReader(Tokenizer.from_file(str(folder / "tokenizer.json")), template, settings)


if __name__ == "__main__":
    run_cli(main)
