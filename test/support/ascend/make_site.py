"""Makes what an installation needs, in ROOT: bare repositories, a folder of wheels, and a fake /usr/local/Ascend.

Usage: make_site.py ROOT [NODE PROGRAMS]. With NODE and the folder PROGRAMS, what is installed becomes those programs when
it runs; without them there is nothing to run but the help of the converter.

The repositories have the shape of the real ones as far as an installation sees it: names, versions, a program, a pin that
downgrades transformers, and a build backend that, like setuptools, maps the packages that are there when it runs.
"""

import base64
import hashlib
import pathlib
import subprocess
import sys
import zipfile

ROOT = pathlib.Path(sys.argv[1]).resolve()
NODE, PROGRAMS = sys.argv[2:4] if len(sys.argv) > 2 else (None, None)

BACKEND = '''
import base64, hashlib, json, pathlib, zipfile

HERE = pathlib.Path(__file__).parent
PROJECT = json.loads((HERE / "project.json").read_text())


def _packages():
    root = HERE / PROJECT.get("root", ".")
    return {p.name: str(p) for p in sorted(root.iterdir()) if (p / "__init__.py").exists()}


def _write(folder, files):
    name, version = PROJECT["name"].replace("-", "_"), PROJECT["version"]
    info = f"{name}-{version}.dist-info"
    requires = "".join(f"Requires-Dist: {one}\\n" for one in PROJECT.get("requires", []))
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\\nName: {PROJECT['name']}\\nVersion: {version}\\n{requires}"
    files[f"{info}/WHEEL"] = "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    scripts = PROJECT.get("scripts")
    if scripts:
        files[f"{info}/entry_points.txt"] = "[console_scripts]\\n" + "".join(f"{k} = {v}\\n" for k, v in scripts.items())
    record = f"{info}/RECORD"
    lines = []
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        lines.append(f"{path},sha256={digest},{len(text.encode())}")
    files[record] = "\\n".join([*lines, f"{record},,"]) + "\\n"
    wheel = f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(folder) / wheel, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return wheel


def get_requires_for_build_editable(config_settings=None):
    return []


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    finder = "__editable___" + PROJECT["name"].replace("-", "_") + "_finder"
    code = f"""
import sys
from importlib.util import spec_from_file_location
MAPPING = {_packages()!r}
class Finder:
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        place = MAPPING.get(name)
        if place is None:
            return None
        return spec_from_file_location(name, place + "/__init__.py", submodule_search_locations=[place])
def install():
    sys.meta_path.append(Finder)
"""
    return _write(wheel_directory, {f"{finder}.py": code, f"{finder}.pth": f"import {finder}; {finder}.install()\\n"})
'''

PYPROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


def git(folder, *words):
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.invalid", "-c", "init.defaultBranch=master"]
    done = subprocess.run(["git", *identity, "-C", folder, *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def repository(name, files, later, tag=None):
    """A bare repository with two commits; prints the ids of both."""
    work = ROOT / "work" / name
    work.mkdir(parents=True)
    git(work, "init", "-q")
    commits = []
    for change in (files, later):
        for path, text in change.items():
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            (work / path).write_text(text)
        git(work, "add", "-A")
        git(work, "commit", "-q", "-m", "change")
        commits.append(git(work, "rev-parse", "HEAD"))
        if tag and len(commits) == 1:
            git(work, "tag", tag)
    subprocess.run(["git", "clone", "-q", "--bare", work, ROOT / "repositories" / f"{name}.git"], check=True)
    print(name, *commits)


def project(text, **packages):
    files = {"pyproject.toml": PYPROJECT, "backend.py": BACKEND, "project.json": text}
    return {**files, **{f"{path}/__init__.py": body for path, body in packages.items()}}


def wheel(name, version, body, more=None):
    folder = ROOT / "wheels"
    folder.mkdir(exist_ok=True)
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    files = {
        f"{module}/__init__.py": body,
        **{f"{module}/{path}": text for path, text in (more or {}).items()},
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = []
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        lines.append(f"{path},sha256={digest},{len(text.encode())}")
    files[f"{info}/RECORD"] = "\n".join([*lines, f"{info}/RECORD,,"]) + "\n"
    with zipfile.ZipFile(folder / f"{module}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)


def becomes(program):
    """Python code that turns into a program of PROGRAMS, with the same arguments and the same process id."""
    words = f"[{NODE!r}, {f'{PROGRAMS}/{program}'!r}, *sys.argv[1:]]"
    return f"os.environ['FAKE_ASCEND_PYTHON'] = sys.executable\nos.execv({NODE!r}, {words})\n"


def indented(code):
    return "".join(f"    {line}\n" for line in code.splitlines())


if PROGRAMS:
    CONVERT = f"import os, sys\ndef main():\n{indented(becomes('mm-convert.mjs'))}"
    # The devices' own library comes with the toolkit's environment: without it this import fails, as upstream's does.
    PRETRAIN = f"import os, sys\nimport torch_npu\n{becomes('pretrain.mjs')}"
    LAUNCHER = {"distributed/__init__.py": "", "distributed/run.py": f"import os, sys\n{becomes('launch.mjs')}"}
else:
    CONVERT = "import sys\ndef main():\n    sys.exit(0 if '--help' in sys.argv else 2)\n"
    PRETRAIN, LAUNCHER = "", {}

repository(
    "MindSpeed-MM",
    {
        **project(
            '{"name": "mindspeed-mm", "version": "0.1", "requires": ["transformers==4.57.0", "torch==2.7.1"],'
            ' "scripts": {"mm-convert": "checkpoint.convert_cli:main"}}',
            mindspeed_mm="",
            checkpoint="",
        ),
        "checkpoint/convert_cli.py": CONVERT,
        "pretrain_transformers.py": PRETRAIN,
        "mindspeed_mm/configs/read_yaml_config.py": "",
        "mindspeed_mm/tools/tools.json": "{}\n",
        ".gitignore": "MindSpeed*\ntransformers*\nmegatron*\nlogs\ndata\nckpt\n__pycache__\n",
    },
    {"README.md": "later\n"},
)
PACKAGE_INFO = "MAJOR = 0\nMINOR = 12\nPATCH = 1\n"
repository(
    "Megatron-LM",
    {
        "megatron/__init__.py": "",
        "megatron/core/__init__.py": "",
        "megatron/core/package_info.py": PACKAGE_INFO,
        "megatron/training/arguments.py": "first = 1\n",
    },
    {"megatron/core/package_info.py": PACKAGE_INFO.replace("12", "13")},
    tag="core_v0.12.1",
)
repository("MindSpeed", project('{"name": "mindspeed", "version": "0.12.1"}', mindspeed=""), {"README.md": "later\n"})
repository(
    "transformers",
    project('{"name": "transformers", "version": "4.57.1", "root": "src"}', **{"src/transformers": "__version__ = '4.57.1'\n"}),
    {"README.md": "later\n"},
)
NPU = "class npu:\n    is_available = staticmethod(lambda: True)\n    device_count = staticmethod(lambda: 16)\n"
wheel("torch", "2.7.1", f"__version__ = '2.7.1'\n{NPU}", LAUNCHER)
wheel("torch", "2.8.0", f"__version__ = '2.8.0'\n{NPU}")
wheel("torch-npu", "2.7.1", "import acl\n__version__ = '2.7.1'\n")
wheel("transformers", "4.57.0", "__version__ = '4.57.0'\n")

ascend = ROOT / "Ascend"
for path, text in {
    "driver/version.info": "Version=25.3.rc1\nascendhal_version=7.35.23\n",
    "firmware/version.info": "Version=7.8.0.2.212\n",
    "cann/version.info": "Version=8.3.RC1\nversion_dir=8.3.RC1\n",
    "cann/opp_kernel/version.info": "Version=8.3.RC1\n",
    "cann/set_env.sh": 'export ASCEND_HOME_PATH="$(dirname "${BASH_SOURCE[0]}")"\n'
    'export PYTHONPATH="$ASCEND_HOME_PATH/python/site-packages${PYTHONPATH:+:$PYTHONPATH}"\necho sourced\n',
    "cann/python/site-packages/acl.py": "def get_soc_name():\n    return 'Ascend910_9391'\n",
    "nnal/atb/latest/version.info": "Ascend-cann-atb : 8.3.RC1\nAscend-cann-atb Version : 8.3.RC1.B106\n",
    "nnal/atb/set_env.sh": "export ATB_HOME_PATH=there\n",
}.items():
    (ascend / path).parent.mkdir(parents=True, exist_ok=True)
    (ascend / path).write_text(text)
