"""Ask a model the held-out questions with stock greedy generation and count the right answers."""

import argparse
import json
from pathlib import Path

from cli_errors import BadInput, run_cli

import torch
from PIL import Image
from transformers import AutoProcessor
from transformers.models.glm4v_moe.modeling_glm4v_moe import Glm4vMoeForConditionalGeneration

FORMAT_VERSION = 1
MODES = ("normal", "blank", "swap")
BATCH_QUESTIONS = 25
# Answers of the tiny data set are one to four tokens and the end token.
MOST_NEW_TOKENS = 8


def main() -> None:
    arguments = parse_arguments()
    questions = json.loads(arguments.questions.read_text(encoding="utf-8"))[: arguments.limit]
    images = load_images(questions, arguments.image_root)
    if not (arguments.model / "config.json").is_file():
        raise BadInput(f"--model {arguments.model}: there is no config.json. Give a Hugging Face model folder.")
    processor = AutoProcessor.from_pretrained(arguments.model)
    model, loading = Glm4vMoeForConditionalGeneration.from_pretrained(arguments.model, output_loading_info=True)
    model.eval()
    results = []
    for mode in arguments.images:
        shown = [shown_image(mode, index, questions, images) for index in range(len(questions))]
        answers = ask(model, processor, [question["question"] for question in questions], shown)
        results.append(
            {
                "v": FORMAT_VERSION,
                "model": str(arguments.model),
                "images": mode,
                **score(questions, answers),
                "missingKeys": sorted(loading["missing_keys"]),
                "unexpectedKeys": sorted(loading["unexpected_keys"]),
            }
        )
        print(f"{mode}: {results[-1]['correct']} of {results[-1]['total']} right")
    write_results(arguments.output, results)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="Hugging Face model folder")
    parser.add_argument("--questions", type=Path, required=True, help="JSON [{id, image, kind, question, answer}]")
    parser.add_argument("--image-root", type=Path, required=True, help="folder that image paths are relative to")
    parser.add_argument("--output", type=Path, required=True, help="JSON file to write; several modes: see --images")
    parser.add_argument(
        "--images",
        type=parse_modes,
        default=["normal"],
        help=f"comma list of {', '.join(MODES)}; with several, the mode is put before the suffix of --output",
    )
    parser.add_argument("--limit", type=int, default=None, help="ask the first N questions only")
    return parser.parse_args()


def parse_modes(text: str) -> list[str]:
    modes = text.split(",")
    unknown = [mode for mode in modes if mode not in MODES]
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown mode {unknown[0]!r}, expected {', '.join(MODES)}")
    return modes


def load_images(questions: list[dict], image_root: Path) -> list[Image.Image]:
    images = []
    for question in questions:
        path = image_root / question["image"]
        if not path.is_file():
            raise BadInput(f"{path}: image of question {question['id']} does not exist. Check --image-root.")
        with Image.open(path) as image:
            images.append(image.convert("RGB"))
    return images


def shown_image(mode: str, index: int, questions: list[dict], images: list[Image.Image]) -> Image.Image:
    """Return the picture to show with question `index`: its own, a grey one, or another question's."""
    if mode == "normal":
        return images[index]
    if mode == "blank":
        return Image.new("RGB", images[index].size, (127, 127, 127))
    others = [
        (index + step) % len(questions)
        for step in range(1, len(questions))
        if questions[(index + step) % len(questions)]["kind"] == questions[index]["kind"]
        and questions[(index + step) % len(questions)]["answer"] != questions[index]["answer"]
    ]
    return images[others[0] if others else (index + 1) % len(questions)]


def ask(
    model: Glm4vMoeForConditionalGeneration, processor: AutoProcessor, questions: list[str], images: list[Image.Image]
) -> list[str]:
    """Return the greedy answer to each question about its picture."""
    answers: list[str] = []
    for start in range(0, len(questions), BATCH_QUESTIONS):
        chosen = slice(start, start + BATCH_QUESTIONS)
        prompts = [
            processor.apply_chat_template(
                [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": question}]}],
                tokenize=False,
                add_generation_prompt=True,
            )
            for question in questions[chosen]
        ]
        inputs = processor(text=prompts, images=images[chosen], padding=True, return_tensors="pt")
        with torch.inference_mode():
            output = model.generate(**inputs, max_new_tokens=MOST_NEW_TOKENS, do_sample=False)
        new_tokens = output[:, inputs["input_ids"].shape[1] :]
        answers += [text.strip() for text in processor.batch_decode(new_tokens, skip_special_tokens=True)]
    return answers


def score(questions: list[dict], answers: list[str]) -> dict:
    samples = [
        {
            "id": question["id"],
            "kind": question["kind"],
            "question": question["question"],
            "expected": question["answer"],
            "answer": answer,
            "correct": answer == question["answer"],
        }
        for question, answer in zip(questions, answers, strict=True)
    ]
    by_kind: dict[str, dict[str, int]] = {}
    for sample in samples:
        counts = by_kind.setdefault(sample["kind"], {"total": 0, "correct": 0})
        counts["total"] += 1
        counts["correct"] += int(sample["correct"])
    correct = sum(counts["correct"] for counts in by_kind.values())
    return {
        "total": len(samples),
        "correct": correct,
        "accuracy": correct / len(samples) if samples else 0.0,
        "byKind": by_kind,
        "samples": samples,
    }


def write_results(output: Path, results: list[dict]) -> None:
    """Write one file per result: `output` itself for one, `answers.MODE.json` beside it for several."""
    output.parent.mkdir(parents=True, exist_ok=True)
    for result in results:
        path = output if len(results) == 1 else output.with_suffix(f".{result['images']}{output.suffix}")
        path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    run_cli(main)
