"""Write the mean loss of the right answers to held-out questions: one number to compare exported models by."""

import argparse
import json
import math
from pathlib import Path

from cli_errors import BadInput, run_cli

import torch
from transformers.models.glm4v_moe.modeling_glm4v_moe import Glm4vMoeForConditionalGeneration

from training_data import RowEncoder
from training_rows import PLACEHOLDER

FORMAT_VERSION = 1
BATCH_QUESTIONS = 16
# Questions are short; their length is bounded by their picture.
LONGEST_QUESTION = 4096


def main() -> None:
    arguments = parse_arguments()
    questions = json.loads(arguments.questions.read_text(encoding="utf-8"))
    if not questions:
        raise BadInput(f"--questions {arguments.questions}: there are no questions. Give questions to measure on.")
    if not (arguments.model / "config.json").is_file():
        raise BadInput(f"--model {arguments.model}: there is no config.json. Give a Hugging Face model folder.")
    rows = [as_row(question, arguments.image_root) for question in questions]
    model = Glm4vMoeForConditionalGeneration.from_pretrained(arguments.model, dtype=torch.float32)
    model.eval()
    loss = mean_loss(model, RowEncoder(rows, str(arguments.model), LONGEST_QUESTION), len(rows))
    # JSON has no word for what is not a number; without evalLoss no gate passes.
    measured = {"evalLoss": loss} if math.isfinite(loss) else {}
    arguments.output.write_text(json.dumps({"v": FORMAT_VERSION, "rows": len(rows), **measured}), encoding="utf-8")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="Hugging Face model folder")
    parser.add_argument("--questions", type=Path, required=True, help="JSON [{id, image, kind, question, answer}]")
    parser.add_argument("--image-root", type=Path, required=True, help="folder that image paths are relative to")
    parser.add_argument("--output", type=Path, required=True, help="JSON file to write")
    return parser.parse_args()


def as_row(question: dict, image_root: Path) -> dict:
    """Return a question with its right answer as a training row."""
    image = image_root / question["image"]
    if not image.is_file():
        raise BadInput(f"{image}: image of question {question['id']} does not exist. Check --image-root.")
    return {
        "messages": [
            {"role": "user", "content": f"{PLACEHOLDER}\n{question['question']}"},
            {"role": "assistant", "content": question["answer"]},
        ],
        "images": [str(image)],
    }


def mean_loss(model: Glm4vMoeForConditionalGeneration, encoder: RowEncoder, rows: int) -> float:
    """Return the loss per question, however they fall into batches."""
    total = 0.0
    with torch.inference_mode():
        for start in range(0, rows, BATCH_QUESTIONS):
            numbers = list(range(start, min(start + BATCH_QUESTIONS, rows)))
            total += model(**encoder.batch(numbers)).loss.item() * len(numbers)
    return total / rows


if __name__ == "__main__":
    run_cli(main)
