"""Write a small LLaVA-style data set with real pictures, and held-out questions about other pictures."""

import argparse
import json
import random
from pathlib import Path

from cli_errors import BadInput, run_cli
from scenes import QUESTIONS, Scene, draw_scene

# One row in so many has no picture.
TEXT_ONLY_EVERY = 12
# Questions about one picture in a training row.
TURNS = 3
OPPOSITES = {
    "up": "down",
    "day": "night",
    "big": "small",
    "hot": "cold",
    "open": "closed",
    "left": "right",
    "top": "bottom",
}


def main() -> None:
    arguments = parse_arguments()
    output: Path = arguments.output
    if output.exists() and any(output.iterdir()):
        raise BadInput(f"--output {output}: the folder is not empty. Give a fresh folder.")
    (output / "images").mkdir(parents=True, exist_ok=True)
    seen: set[bytes] = set()
    training = make_training_rows(output, arguments.seed, arguments.train_rows, seen)
    heldout = make_heldout_rows(output, arguments.seed, arguments.heldout_rows, seen)
    for name, rows in (("llava.json", training), ("heldout.json", heldout)):
        (output / name).write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(f"wrote {len(training)} training rows, {len(heldout)} held-out rows and {len(seen)} images to {output}")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="empty or absent folder to write into")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--train-rows", type=int, default=1600)
    parser.add_argument("--heldout-rows", type=int, default=50, help=f"balanced for multiples of {len(QUESTIONS)}")
    arguments = parser.parse_args()
    for name, least in (("train_rows", 1), ("heldout_rows", 0)):
        if getattr(arguments, name) < least:
            raise BadInput(f"--{name.replace('_', '-')} {getattr(arguments, name)}: must be {least} or more.")
    return arguments


def make_training_rows(output: Path, seed: int, count: int, seen: set[bytes]) -> list[dict]:
    rng = random.Random(f"train-{seed}")
    rows: list[dict] = []
    for index in range(count):
        name = f"train-{index:05d}"
        if index % TEXT_ONLY_EVERY == TEXT_ONLY_EVERY - 1:
            word = rng.choice(tuple(OPPOSITES))
            turns = [(f"What is the opposite of {word}?", OPPOSITES[word])]
            rows.append({"id": name, "conversations": conversation(turns)})
            continue
        kind, answer = balanced_question(index)
        scene = draw_new_scene(rng, kind, answer, seen)
        others = [other for other in scene.answers if other != kind]
        kinds = [kind, *rng.sample(others, TURNS - 1)]
        turns = [(QUESTIONS[asked][0], scene.answers[asked]) for asked in kinds]
        first, *rest = turns
        with_image = [(f"<image>\n{first[0]}", first[1]), *rest]
        image = save_image(output, name, scene)
        rows.append({"id": name, "image": image, "conversations": conversation(with_image)})
    return rows


def make_heldout_rows(output: Path, seed: int, count: int, seen: set[bytes]) -> list[dict]:
    rng = random.Random(f"heldout-{seed}")
    rows: list[dict] = []
    for index in range(count):
        name = f"heldout-{index:05d}"
        kind, answer = balanced_question(index)
        scene = draw_new_scene(rng, kind, answer, seen)
        image = save_image(output, name, scene)
        rows.append({"id": name, "image": image, "kind": kind, "question": QUESTIONS[kind][0], "answer": answer})
    return rows


def balanced_question(index: int) -> tuple[str, str]:
    """Return kind and answer number `index`: kinds take turns, and so do the answers within a kind."""
    kinds = tuple(QUESTIONS)
    kind = kinds[index % len(kinds)]
    answers = QUESTIONS[kind][1]
    return kind, answers[index // len(kinds) % len(answers)]


def draw_new_scene(rng: random.Random, kind: str, answer: str, seen: set[bytes]) -> Scene:
    """Draw until the picture differs from every earlier one, then remember it."""
    while True:
        scene = draw_scene(rng, kind, answer)
        pixels = scene.image.tobytes()
        if pixels not in seen:
            seen.add(pixels)
            return scene


def save_image(output: Path, name: str, scene: Scene) -> str:
    path = f"images/{name}.png"
    scene.image.save(output / path)
    return path


def conversation(turns: list[tuple[str, str]]) -> list[dict]:
    return [
        message
        for question, answer in turns
        for message in ({"from": "human", "value": question}, {"from": "gpt", "value": answer})
    ]


if __name__ == "__main__":
    run_cli(main)
