"""Print one JSON line with the versions that this recipe depends on; with --deep also prove that they work together."""

import argparse
import json
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from cli_errors import BadInput, run_cli

PACKAGES = ("torch", "transformers", "safetensors", "tokenizers", "jinja2", "pillow", "numpy", "tqdm")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deep", action="store_true", help="import torch and the model class, look for gloo (seconds)")
    arguments = parser.parse_args()
    report: dict[str, str | None] = {"python": platform.python_version()}
    for package in PACKAGES:
        report[package] = installed_version(package)
    if arguments.deep:
        prove_imports()
        report["gloo"] = "available"
    print(json.dumps(report))


def installed_version(package: str) -> str | None:
    """Return the version from the package's metadata, without importing it; None when it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def prove_imports() -> None:
    """Import what training imports; raise `BadInput` when something is missing or does not fit together."""
    try:
        import torch.distributed
        from transformers.models.glm4v_moe.modeling_glm4v_moe import Glm4vMoeForConditionalGeneration  # noqa: F401
    except ImportError as error:
        raise BadInput(f"{sys.executable}: {error}. Install the packages that this recipe names.") from error
    if not (torch.distributed.is_available() and torch.distributed.is_gloo_available()):
        raise BadInput(f"{sys.executable}: this torch has no gloo. Install a build with torch.distributed.")


if __name__ == "__main__":
    run_cli(main)
