"""Reading and writing the weights of a Hugging Face folder as safetensors shards with an index."""

import json
import shutil
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from cli_errors import BadInput

INDEX_NAME = "model.safetensors.index.json"


def read_tensors(folder: Path) -> dict[str, torch.Tensor]:
    """Return every tensor of every *.safetensors file of `folder`; refuse a name that stands in two of them."""
    tensors: dict[str, torch.Tensor] = {}
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, "pt") as file:
            for name in file.keys():
                if name in tensors:
                    raise BadInput(f"{path}: tensor {name} also stands in another file. Remove the stray file.")
                tensors[name] = file.get_tensor(name)
    if not tensors:
        raise BadInput(f"{folder}: there is no *.safetensors file. Give the folder of the original model.")
    return tensors


def read_dtypes(folder: Path) -> dict[str, str]:
    """Return tensor name -> safetensors dtype name (`BF16`, `F32`, ...) from the headers alone."""
    dtypes: dict[str, str] = {}
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, "pt") as file:
            dtypes |= {name: file.get_slice(name).get_dtype() for name in file.keys()}
    return dtypes


def copy_other_files(source: Path, target: Path) -> None:
    """Copy everything but weights and their index; print a line for each file."""
    for path in sorted(source.rglob("*")):
        if path.is_file() and path.suffix != ".safetensors" and path.name != INDEX_NAME:
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
            print(f"Copied: {path} -> {copy}")


def write_tensors(folder: Path, tensors: dict[str, torch.Tensor], max_shard_bytes: int) -> None:
    """Write `tensors` in the given order as shards of at most `max_shard_bytes` and then their index."""
    shards: list[dict[str, torch.Tensor]] = [{}]
    shard_bytes = 0
    for name, tensor in tensors.items():
        if shards[-1] and shard_bytes + tensor.nbytes > max_shard_bytes:
            shards.append({})
            shard_bytes = 0
        shards[-1][name] = tensor
        shard_bytes += tensor.nbytes
    weight_map: dict[str, str] = {}
    for number, shard in enumerate(shards, 1):
        file_name = "model.safetensors" if len(shards) == 1 else f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        save_file(shard, folder / file_name, metadata={"format": "pt"})
        (folder / file_name).chmod(0o644)
        weight_map |= dict.fromkeys(shard, file_name)
    index = {
        "metadata": {"total_size": sum(tensor.nbytes for tensor in tensors.values())},
        "weight_map": dict(sorted(weight_map.items())),
    }
    (folder / INDEX_NAME).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")
