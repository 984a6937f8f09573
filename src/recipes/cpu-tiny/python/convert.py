"""Convert weights between a Hugging Face folder and a distributed checkpoint with merged experts."""

import argparse
import json
from pathlib import Path

from cli_errors import BadInput, run_cli

import torch
import torch.distributed.checkpoint as dcp
from torch.distributed.checkpoint.default_planner import _EmptyStateDictLoadPlanner
from torch.distributed.checkpoint.state_dict_loader import _load_state_dict
from tqdm import tqdm

from expert_layout import ExpertLayout, merge_layer, split_layer
from hf_folder import copy_other_files, read_dtypes, read_tensors, write_tensors

TRACKER = "latest_checkpointed_iteration.txt"
CHECKPOINT_VERSION = 3.0
# Before every Hugging Face name in a checkpoint: the part of the state, then the attribute of the wrapping module.
MODEL_PART = "model"
NAME_PREFIX = "model."


def main() -> None:
    arguments = parse_arguments()
    config_path = arguments.hf_dir / "config.json"
    layout = ExpertLayout.from_config(json.loads(config_path.read_text(encoding="utf-8")))
    arguments.save_dir.mkdir(parents=True, exist_ok=True)
    if any(arguments.save_dir.iterdir()):
        raise BadInput(f"--save-dir {arguments.save_dir}: the folder is not empty. Give a fresh folder.")
    if arguments.direction == "hf-to-dcp":
        hf_to_dcp(arguments.hf_dir, arguments.save_dir, layout)
    else:
        dcp_to_hf(arguments, layout)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    directions = parser.add_subparsers(dest="direction", required=True)
    for direction in ("hf-to-dcp", "dcp-to-hf"):
        options = directions.add_parser(direction)
        options.add_argument("--hf-dir", type=Path, required=True, help="original model")
        options.add_argument("--save-dir", type=Path, required=True, help="empty or absent folder to write into")
        if direction == "dcp-to-hf":
            options.add_argument("--dcp-dir", type=Path, required=True, help="the iteration folder, not its parent")
            options.add_argument(
                "--dtype", choices=("keep", "bf16"), default="keep", help="bf16: as in the original; keep: as stored"
            )
            options.add_argument("--max-shard-mb", type=float, default=4000.0, help="largest shard in 10^6 bytes")
    return parser.parse_args()


def hf_to_dcp(hf_dir: Path, save_dir: Path, layout: ExpertLayout) -> None:
    """Write `release/` and then the tracker that names it; dtypes stay."""
    tensors = read_tensors(hf_dir)
    prefixes = layout.moe_prefixes()
    merged = {name: tensor for name, tensor in tensors.items() if not name.startswith(tuple(prefixes))}
    for prefix in tqdm(prefixes, desc="merge moe experts weight"):
        merged |= merge_layer(tensors, prefix, layout)
    state = {
        MODEL_PART: {NAME_PREFIX + name: tensor.contiguous() for name, tensor in merged.items()},
        "checkpoint_version": CHECKPOINT_VERSION,
    }
    writer = dcp.FileSystemWriter(save_dir / "release", thread_count=1)
    dcp.save(state, storage_writer=writer, no_dist=True)
    (save_dir / TRACKER).write_text("release", encoding="utf-8")


def dcp_to_hf(arguments: argparse.Namespace, layout: ExpertLayout) -> None:
    """Write the weights of one checkpoint under the names of the original, beside copies of its other files."""
    if not (arguments.dcp_dir / ".metadata").is_file():
        raise BadInput(f"--dcp-dir {arguments.dcp_dir}: there is no .metadata. Give one iteration folder, complete.")
    state: dict = {}
    # Only the model part: optimizer tensors are not needed and other objects may name classes unknown here.
    planner = _EmptyStateDictLoadPlanner(keys={MODEL_PART})
    _load_state_dict(state, storage_reader=dcp.FileSystemReader(arguments.dcp_dir), planner=planner, no_dist=True)
    tensors = {name.removeprefix(NAME_PREFIX): tensor for name, tensor in flat_names(state[MODEL_PART]).items()}
    for prefix in tqdm(layout.moe_prefixes(), desc="split moe experts weight"):
        tensors |= split_layer(tensors, prefix, layout)
        del tensors[f"{prefix}gate_up_proj"], tensors[f"{prefix}down_proj"]
    original = read_dtypes(arguments.hf_dir)
    if tensors.keys() != original.keys():
        differing = sorted(tensors.keys() ^ original.keys())
        raise BadInput(f"--dcp-dir: {len(differing)} tensors differ by name from --hf-dir, such as {differing[0]}.")
    if arguments.dtype == "bf16":
        # The cast rounds to nearest, ties to even.
        tensors = {
            name: tensor.to(torch.bfloat16) if original[name] == "BF16" else tensor
            for name, tensor in tensors.items()
        }
    copy_other_files(arguments.hf_dir, arguments.save_dir)
    write_true_dtype(arguments.save_dir / "config.json", tensors)
    write_tensors(arguments.save_dir, dict(sorted(tensors.items())), int(arguments.max_shard_mb * 1_000_000))


def flat_names(tree: dict, prefix: str = "") -> dict[str, torch.Tensor]:
    """Return dotted name -> tensor, whichever depth the loader kept a name at."""
    flat: dict[str, torch.Tensor] = {}
    for key, value in tree.items():
        name = f"{prefix}{key}"
        flat |= flat_names(value, f"{name}.") if isinstance(value, dict) else {name: value}
    return flat


def write_true_dtype(config_path: Path, tensors: dict[str, torch.Tensor]) -> None:
    """Make `dtype` of config.json the one that most weights have, so that loading neither widens nor rounds."""
    counts: dict[str, int] = {}
    for tensor in tensors.values():
        name = str(tensor.dtype).removeprefix("torch.")
        counts[name] = counts.get(name, 0) + tensor.numel()
    config = json.loads(config_path.read_text(encoding="utf-8"))
    key = "torch_dtype" if "torch_dtype" in config else "dtype"  # older transformers write the first
    config[key] = max(counts, key=lambda name: counts[name])
    config_path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    run_cli(main)
