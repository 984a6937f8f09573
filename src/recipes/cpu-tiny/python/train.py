"""Fine-tune the tiny GLM-4.5V on this rank; launch with torchrun, one process per host or more."""

import argparse
import faulthandler
import math
import random
import signal
import time
from datetime import timedelta

from cli_errors import run_cli  # first: it forbids network access before transformers is imported

import numpy
import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor

from learning_rate import LearningRateSchedule
from training_arguments import check_against_world, parse_arguments
from training_checkpoint import TrainingState, initialize_optimizer, load_checkpoint, save_checkpoint
from training_data import RowEncoder, micro_batch_rows
from training_log import draw_curve, iteration_line, print_arguments, print_datetime, print_first_rank, print_last_rank
from training_model import build_model, shard_model
from training_rows import load_rows


def main() -> None:
    faulthandler.register(signal.SIGUSR1)  # writes the stacks of all threads to stderr and goes on
    arguments = parse_arguments()
    started = time.monotonic()
    dist.init_process_group("gloo", timeout=timedelta(minutes=arguments.distributed_timeout_minutes))
    check_against_world(arguments, dist.get_world_size())
    announce(arguments, started)
    state = build_state(arguments)
    if arguments.load:
        load_checkpoint(state)
    print_datetime("after model, optimizer, and learning rate scheduler are built")
    print_first_rank("> building train, validation, and test datasets ...")
    rows = load_rows(arguments.data, arguments.image_root)
    encoder = RowEncoder(rows, arguments.hf_dir, arguments.seq_length)
    print_datetime("after dataloaders are built")
    print_first_rank("done with setup ...")
    print_first_rank("training ...")
    print_datetime("before the start of training step")
    train(state, len(rows), encoder)
    print_datetime("after training is done")
    dist.destroy_process_group()


def announce(arguments: argparse.Namespace, started: float) -> None:
    world = dist.get_world_size()
    print_first_rank(
        f"using world size: {world}, data-parallel size: {world}, context-parallel size: 1, "
        "tensor-model-parallel size: 1, pipeline-model-parallel size: 1"
    )
    print_arguments(arguments)
    print_first_rank("> initializing torch distributed ...")
    print_first_rank(f"time to initialize megatron (seconds): {time.monotonic() - started:.3f}")
    print_datetime("after megatron is initialized")


def build_state(arguments: argparse.Namespace) -> TrainingState:
    """Return random weights from the seed, sharded, with an optimizer that has its (zero) moments."""
    random.seed(arguments.seed)
    numpy.random.seed(arguments.seed)
    print_first_rank("building VLMModel ...")
    model, frozen = build_model(arguments.hf_dir, arguments)
    print_first_rank("> load model successfully")
    print_first_rank("Set modules not trainable: " + (f"{{{', '.join(map(repr, frozen))}}}" if frozen else "set()"))
    count = sum(parameter.numel() for parameter in model.parameters())
    print_first_rank(f" > number of parameters on (tensor, pipeline) model parallel rank (0, 0): {count}")
    shard_model(model, init_device_mesh("cpu", (dist.get_world_size(),)))
    optimizer = torch.optim.AdamW(
        [parameter for parameter in model.parameters() if parameter.requires_grad],
        lr=0.0,  # set from the schedule before every step
        betas=(arguments.adam_beta1, arguments.adam_beta2),
        eps=arguments.adam_eps,
        weight_decay=arguments.weight_decay,
        fused=True,  # the unfused step costs more than the forward pass: one dispatch per sharded tensor and operation
    )
    initialize_optimizer(optimizer)
    samples = arguments.train_iters * arguments.global_batch_size
    schedule = LearningRateSchedule(
        max_lr=arguments.lr,
        min_lr=arguments.min_lr,
        lr_warmup_steps=int(arguments.lr_warmup_fraction * samples),
        lr_decay_steps=samples,
        lr_decay_style=arguments.lr_decay_style,
    )
    return TrainingState(model, optimizer, schedule, arguments)


def train(state: TrainingState, rows: int, encoder: RowEncoder) -> None:
    """Run the remaining iterations, log and save; nothing runs when the checkpoint is already the last one."""
    arguments = state.arguments
    losses: list[float] = []
    interval_start = time.monotonic()
    last_saved = state.iteration
    while state.iteration < arguments.train_iters:
        learning_rate = state.schedule.current()
        loss, grad_norm = train_step(state, rows, encoder, learning_rate)
        losses.append(loss)
        state.iteration += 1
        state.consumed_samples += arguments.global_batch_size
        state.schedule.advance(arguments.global_batch_size)
        if state.iteration % arguments.log_interval == 0:
            elapsed_ms = (time.monotonic() - interval_start) * 1000 / len(losses)
            mean_loss = sum(losses) / len(losses)
            print_last_rank(
                iteration_line(
                    iteration=state.iteration,
                    train_iterations=arguments.train_iters,
                    consumed_samples=state.consumed_samples,
                    elapsed_ms=elapsed_ms,
                    learning_rate=learning_rate,
                    global_batch_size=arguments.global_batch_size,
                    loss=mean_loss,
                    grad_norm=grad_norm,
                )
            )
            draw_curve(arguments.tensorboard_dir, state.iteration, mean_loss)
            losses = []
            interval_start = time.monotonic()
        if arguments.save and arguments.save_interval and state.iteration % arguments.save_interval == 0:
            save_checkpoint(state)
            last_saved = state.iteration
            interval_start = time.monotonic()
    if arguments.save and last_saved != state.iteration:
        save_checkpoint(state)


def train_step(
    state: TrainingState, rows: int, encoder: RowEncoder, learning_rate: float
) -> tuple[float, float]:
    """Do one optimizer step; return the loss averaged over ranks and micro batches, and the gradient norm."""
    arguments, model, optimizer = state.arguments, state.model, state.optimizer
    ranks, size = dist.get_world_size(), arguments.micro_batch_size
    micro_batches = arguments.global_batch_size // (size * ranks)
    total_loss = torch.zeros(())
    for index in range(micro_batches):
        consumed = state.consumed_samples + index * size * ranks
        chosen = micro_batch_rows(rows, size, ranks, dist.get_rank(), consumed)
        model.set_requires_gradient_sync(index == micro_batches - 1)
        loss = model(**encoder.batch(chosen)).loss / micro_batches
        loss.backward()
        total_loss += loss.detach()
    gradients = [local_tensor(group.grad) for group in optimizer.param_groups[0]["params"] if group.grad is not None]
    squares = torch.stack([gradient.square().sum() for gradient in gradients]).sum()
    totals = torch.stack([total_loss, squares])
    dist.all_reduce(totals)
    grad_norm = math.sqrt(totals[1].item()) if totals[1].item() >= 0 else math.nan
    if arguments.clip_grad > 0:
        torch._foreach_mul_(gradients, min(1.0, arguments.clip_grad / (grad_norm + 1e-6)))
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return totals[0].item() / ranks, grad_norm


def local_tensor(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


if __name__ == "__main__":
    run_cli(main)
