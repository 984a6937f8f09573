"""Shows that the training environment really works on this host: imports, devices, the converter. Prints one JSON line.

Runs with the toolkit's environment and in the checkout of MindSpeed-MM, as the training does.
"""

import argparse
import importlib
import importlib.util
import json
import subprocess
import sys


def fail(message):
    print(f"error: {message}", file=sys.stderr)
    sys.exit(1)


def imported(name):
    try:
        return importlib.import_module(name)
    except BaseException as error:  # noqa: BLE001 - some packages leave by SystemExit when a library is missing
        fail(f"import {name}: {type(error).__name__}: {error}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--devices", type=int, required=True)
    parser.add_argument("--converter", required=True)
    parser.add_argument("--megatron", required=True)
    arguments = parser.parse_args()
    torch = imported("torch")
    torch_npu = imported("torch_npu")
    if not torch.npu.is_available():
        fail("torch.npu.is_available() is False: driver, firmware or the group HwHiAiUser of this user")
    devices = torch.npu.device_count()
    if devices < arguments.devices:
        fail(f"torch sees {devices} devices, fleet.npusPerHost is {arguments.devices}")
    imported("mindspeed")
    # Importing it patches what a training's arguments say, so that it is there is all that can be shown without them.
    if importlib.util.find_spec("mindspeed_mm") is None:
        fail("mindspeed_mm cannot be found")
    transformers = imported("transformers")
    core = imported("megatron.core.package_info")
    version = ".".join(str(getattr(core, part)) for part in ("MAJOR", "MINOR", "PATCH"))
    if version != arguments.megatron:
        fail(f"megatron.core is {version}, wanted is {arguments.megatron}: {core.__file__}")
    help_words = [arguments.converter, "ExpertMergeDcpConverter", "hf_to_dcp", "--help"]
    helped = subprocess.run(help_words, capture_output=True, text=True, check=False)
    if helped.returncode != 0:
        lines = [line for line in helped.stderr.splitlines() if line.strip()]
        fail(f"mm-convert --help ends with {helped.returncode}: {lines[-1] if lines else 'it said nothing'}")
    facts = {
        "torch": torch.__version__,
        "torch_npu": torch_npu.__version__,
        "transformers": transformers.__version__,
        "megatron": version,
        "devices": devices,
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
