"""Write a seeded, tiny GLM-4.5V as a standard Hugging Face folder with its own tokenizer and processor settings."""

import argparse
import json
from pathlib import Path

from cli_errors import BadInput, run_cli
from tiny_model import DEFAULT_INIT_STD, TinyShape, build_config, build_model
from tiny_images import image_processor_settings
from tiny_tokenizer import CHAT_TEMPLATE, SPECIAL_TOKENS, VOCABULARY_SIZE, build_tokenizer


def main() -> None:
    arguments = parse_arguments()
    output: Path = arguments.output
    output.mkdir(parents=True, exist_ok=True)
    if any(output.iterdir()):
        raise BadInput(f"--output {output}: the folder is not empty. Give a fresh folder.")
    shape = TinyShape(**{name: getattr(arguments, name) for name in TinyShape.__dataclass_fields__})
    tokenizer = build_tokenizer()
    token_ids = {token: tokenizer.token_to_id(token) for token in SPECIAL_TOKENS}
    config = build_config(shape, VOCABULARY_SIZE, token_ids)
    model = build_model(config, arguments.seed, arguments.init_std)
    model.save_pretrained(output, max_shard_size=arguments.max_shard_size)
    for shard in output.glob("*.safetensors"):
        shard.chmod(0o644)  # safetensors makes them private; a training user may be another one
    tokenizer.save(str(output / "tokenizer.json"))
    for name, content in settings(shape, token_ids).items():
        (output / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    (output / "chat_template.jinja").write_text(CHAT_TEMPLATE, encoding="utf-8")
    parameters = sum(parameter.numel() for parameter in model.parameters())
    print(f"wrote {parameters} parameters from seed {arguments.seed} to {output}")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="empty or absent folder to write into")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--init-std", type=float, default=DEFAULT_INIT_STD)
    parser.add_argument("--max-shard-size", default="500KB", help="small, so that the weights are several shards")
    for name, field in TinyShape.__dataclass_fields__.items():
        parser.add_argument("--" + name.replace("_", "-"), type=int, default=field.default)
    arguments = parser.parse_args()
    if arguments.num_hidden_layers < 2:
        raise BadInput(
            f"--num-hidden-layers {arguments.num_hidden_layers}: the first layer is dense, so none would have experts. "
            "Give 2 or more."
        )
    return arguments


def settings(shape: TinyShape, token_ids: dict[str, int]) -> dict[str, dict]:
    """Return file name -> content of the JSON files beside the weights."""
    image_processor = image_processor_settings(shape.image_size, shape.patch_size)
    # Glm4vProcessor also loads a video processor, which needs torchvision. This class treats images the same way
    # (grid -> repeated placeholder, token types for the rotary positions) and has no video part.
    processor_class = "PaddleOCRVLProcessor"
    return {
        "preprocessor_config.json": image_processor,
        "processor_config.json": {"processor_class": processor_class},
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "processor_class": processor_class,
            "eos_token": "<|endoftext|>",
            "pad_token": "<|endoftext|>",
            "padding_side": "left",
            "model_max_length": 1024,
            "clean_up_tokenization_spaces": False,
            "extra_special_tokens": {"image_token": "<|image|>", "video_token": "<|video|>"},
        },
        "generation_config.json": {
            "do_sample": False,
            "eos_token_id": [token_ids[name] for name in ("<|endoftext|>", "<|user|>", "<|observation|>")],
            "pad_token_id": token_ids["<|endoftext|>"],
        },
    }


if __name__ == "__main__":
    run_cli(main)
