"""Saving and loading of training state as torch distributed checkpoints, in upstream's layout, order and words."""

import argparse
import random
import sys
import warnings
from pathlib import Path

import numpy
import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from torch import nn

from cli_errors import BadInput
from learning_rate import LearningRateSchedule
from training_log import print_first_rank

TRACKER = "latest_checkpointed_iteration.txt"
CHECKPOINT_VERSION = 3.0

# Saving plain objects goes through a deprecated typed storage inside torch; nothing here can be changed about it.
warnings.filterwarnings("ignore", message=".*TypedStorage is deprecated.*")


class TrainingState:
    """Model, optimizer, schedule and position of a run: all that a checkpoint holds."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        schedule: LearningRateSchedule,
        arguments: argparse.Namespace,
    ) -> None:
        self.model, self.optimizer, self.schedule, self.arguments = model, optimizer, schedule, arguments
        self.iteration = 0
        self.consumed_samples = 0


def save_checkpoint(state: TrainingState) -> None:
    """Write `--save`/iter_%07d and then the tracker.

    A reader may trust a checkpoint only in this order: shards of all ranks, `.metadata` by rename, barrier, tracker.
    """
    arguments = state.arguments
    label = f"{state.iteration:7d} to {arguments.save}"
    print_first_rank(f"saving checkpoint at iteration {label} in torch_dcp format")
    folder = checkpoint_folder(arguments.save, str(state.iteration))
    folder.mkdir(parents=True, exist_ok=True)
    saved_arguments = argparse.Namespace(**vars(arguments), consumed_train_samples=state.consumed_samples)
    content = {
        "args": saved_arguments,
        "checkpoint_version": CHECKPOINT_VERSION,
        "iteration": state.iteration,
        "model": model_tensors(state.model),
    }
    if not arguments.no_save_optim:
        content["optimizer"] = optimizer_content(state.optimizer)
        content["opt_param_scheduler"] = state.schedule.state_dict()
    if not arguments.no_save_rng:
        content["rng_state"] = {str(dist.get_rank()): rng_content()}
    dcp.save(content, storage_writer=dcp.FileSystemWriter(folder, thread_count=1))
    dist.barrier()
    if dist.get_rank() == 0:
        (Path(arguments.save) / TRACKER).write_text(str(state.iteration), encoding="utf-8")
    print_first_rank(f"  successfully saved checkpoint from iteration {label} [ t 1/1, p 1/1 ]")


def load_checkpoint(state: TrainingState) -> None:
    """Load what `--load` names into `state`; without a tracker leave it as it is or end the process with status 0."""
    arguments = state.arguments
    tracker = Path(arguments.load) / TRACKER
    target = agreed_target(tracker)
    if target is None:
        print_first_rank(f"WARNING: could not find the metadata file {tracker}")
        print_first_rank("    will not load any checkpoints and will start from random")
        if arguments.exit_on_missing_checkpoint:
            print_first_rank(">> '--exit-on-missing-checkpoint' set ... exiting. <<")
            dist.barrier()
            sys.exit()
        return
    is_release = target == "release"
    if not is_release and not target.isdecimal():
        print_first_rank(f"ERROR: Invalid metadata file {tracker}. Exiting")
        sys.exit()
    at = "" if is_release else f" at iteration {target}"
    print_first_rank(f" loading {'release ' if is_release else ''}checkpoint from {arguments.load}{at}")
    load_folder(state, checkpoint_folder(arguments.load, target), is_release)
    print_first_rank(f" checkpoint version {CHECKPOINT_VERSION}")
    print_first_rank(
        f"  successfully loaded checkpoint from {arguments.load} [ t 1/1, p 1/1 ] at iteration {state.iteration}"
    )


def agreed_target(tracker: Path) -> str | None:
    """Return the tracker's text as all ranks see it, or None when none sees it; refuse a split view."""
    seen = tracker.read_text(encoding="utf-8").strip() if tracker.is_file() else None
    views: list[str | None] = [None] * dist.get_world_size()
    dist.all_gather_object(views, seen)
    if len(set(views)) != 1:
        raise BadInput(f"--load: {tracker} differs between ranks: {views}. Use a folder that all hosts share.")
    return seen


def checkpoint_folder(parent: str, target: str) -> Path:
    return Path(parent) / ("release" if target == "release" else f"iter_{int(target):07d}")


def load_folder(state: TrainingState, folder: Path, is_release: bool) -> None:
    """Read what the checkpoint has and the arguments allow; a release has weights only."""
    arguments = state.arguments
    reader = dcp.FileSystemReader(folder)
    stored = set(reader.read_metadata().state_dict_metadata)
    content: dict = {"model": model_tensors(state.model)}
    wanted = {f"model.{name}" for name in content["model"]}
    present = {name for name in stored if name.startswith("model.")}
    wants_optimizer = not is_release and not arguments.no_load_optim and "opt_param_scheduler.num_steps" in stored
    wants_rng = not is_release and not arguments.no_load_rng and f"rng_state.{dist.get_rank()}.torch" in stored
    if "args" in stored:
        content |= {"args": None, "iteration": None}
    if wants_optimizer:
        content["optimizer"] = optimizer_content(state.optimizer)
        content["opt_param_scheduler"] = state.schedule.state_dict()
    if wants_rng:
        content["rng_state"] = {str(dist.get_rank()): rng_content()}
    # Partial, as upstream: names that do not match are told below and only there.
    dcp.load(content, storage_reader=reader, planner=dcp.DefaultLoadPlanner(allow_partial_load=True))
    print_first_rank(f"Missing keys: {sorted(wanted - present)}")
    print_first_rank(f"Unexpected keys: {sorted(present - wanted)}")
    if content.get("args") is None:
        print_first_rank("could not find arguments in the checkpoint ...")
    elif not is_release:
        state.iteration = content["iteration"]
        state.consumed_samples = content["args"].consumed_train_samples
    if wants_optimizer:
        restore_optimizer(state.optimizer, content["optimizer"])
        state.schedule.load_state_dict(content["opt_param_scheduler"], arguments.override_opt_param_scheduler)
    if wants_rng:
        restore_rng(content["rng_state"][str(dist.get_rank())])


def model_tensors(model: nn.Module) -> dict[str, torch.Tensor]:
    """Return the tensors under their checkpoint names: `model.` before the HF name."""
    return {f"model.{name}": tensor for name, tensor in model.state_dict().items()}


def initialize_optimizer(optimizer: torch.optim.Optimizer) -> None:
    """Give every parameter its Adam moments before the first step.

    A load fills the tensors that exist: with the state still empty, saved moments would be skipped without a word.
    """
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            optimizer.state[parameter] = {
                "step": torch.tensor(0.0),
                "exp_avg": torch.zeros_like(parameter),
                "exp_avg_sq": torch.zeros_like(parameter),
            }


def optimizer_content(optimizer: torch.optim.Optimizer) -> dict:
    content = optimizer.state_dict()
    return {
        "state": {str(index): dict(moments) for index, moments in content["state"].items()},
        "param_groups": content["param_groups"],
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, content: dict) -> None:
    state = {int(index): moments for index, moments in content["state"].items()}
    optimizer.load_state_dict({"state": state, "param_groups": content["param_groups"]})


def rng_content() -> dict:
    return {"python": random.getstate(), "numpy": numpy.random.get_state(), "torch": torch.get_rng_state()}


def restore_rng(content: dict) -> None:
    random.setstate(content["python"])
    numpy.random.set_state(content["numpy"])
    torch.set_rng_state(content["torch"])
