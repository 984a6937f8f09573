"""Command line of train.py: the names of Megatron's arguments where it has one, plus what this trainer needs."""

import argparse

from cli_errors import BadInput


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Return the arguments, all of plain types so that they can be pickled into a checkpoint."""
    parser = argparse.ArgumentParser(description="Fine-tune a GLM-4.5V with FSDP2 over gloo. Launch with torchrun.")
    add = parser.add_argument
    add("--hf-dir", required=True, help="HF folder with config, tokenizer and processor (weights are not read)")
    add("--data", required=True, help="JSON array of {messages: [{role, content}], images: [path]}")
    add("--image-root", required=True, help="folder that image paths are relative to")
    add("--load", help="folder with the tracker file and the checkpoints")
    add("--save", help="folder that checkpoints are written to")
    add("--save-interval", type=int, help="iterations between checkpoints; one is always written at the end")
    add("--tensorboard-dir", help="folder into which the last rank writes the curve of the loss")
    add("--exit-on-missing-checkpoint", action="store_true")
    for part in ("save", "load"):
        for what in ("optim", "rng"):
            add(f"--no-{part}-{what}", action="store_true")
    add("--override-opt_param-scheduler", action="store_true", help="schedule from these arguments, not the checkpoint")
    add("--train-iters", type=int, required=True)
    add("--micro-batch-size", type=int, default=16, help="rows per rank and forward pass")
    add("--global-batch-size", type=int, help="rows per iteration over all ranks (default: micro batch * ranks)")
    add("--seq-length", type=int, default=256, help="most tokens of a row; a longer row is an error")
    add("--lr", type=float, default=1e-3)
    add("--min-lr", type=float, default=0.0)
    add("--lr-warmup-fraction", type=float, default=0.05, help="of the iterations")
    add("--lr-decay-style", choices=("constant", "linear", "cosine"), default="cosine")
    add("--weight-decay", type=float, default=0.0)
    add("--clip-grad", type=float, default=1.0, help="largest gradient norm; 0 does not clip")
    add("--adam-beta1", type=float, default=0.9)
    add("--adam-beta2", type=float, default=0.95, help="0.999 averages over more steps than a tiny run has")
    add("--adam-eps", type=float, default=1e-8)
    add("--seed", type=int, default=42)
    add("--log-interval", type=int, default=1)
    add("--distributed-timeout-minutes", type=int, default=10)
    for module in ("vision-encoder", "vision-projector", "text-decoder"):
        add(f"--freeze-{module}", action="store_true")
    return parser.parse_args(argv)


def check_against_world(arguments: argparse.Namespace, world_size: int) -> None:
    """Fill in the default global batch and refuse values that cannot work with `world_size` ranks."""
    step = arguments.micro_batch_size * world_size
    if arguments.global_batch_size is None:
        arguments.global_batch_size = step
    if arguments.global_batch_size % step != 0 or arguments.global_batch_size < step:
        raise BadInput(
            f"global batch size ({arguments.global_batch_size}) is not divisible by micro batch size "
            f"({arguments.micro_batch_size}) times data parallel size ({world_size}). Give a multiple of {step}."
        )
    for name in ("save_interval", "log_interval", "train_iters"):
        value = getattr(arguments, name)
        if value is not None and value < 1:
            raise BadInput(f"--{name.replace('_', '-')} {value}: must be 1 or more.")
    if arguments.freeze_vision_encoder and arguments.freeze_vision_projector and arguments.freeze_text_decoder:
        raise BadInput("--freeze-*: every module is frozen, nothing is left to train. Remove one of the three flags.")
