"""One way for every script here to report bad input: one line on stderr and exit status 2."""

import os
import sys
from collections.abc import Callable

# Nothing here may reach the network: set before transformers is imported by anyone.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

BAD_INPUT_STATUS = 2


class BadInput(Exception):
    """Input that a person can correct; its text says what, where, why and the fix in one line."""


def run_cli(main: Callable[[], None]) -> None:
    """Call `main`; turn `BadInput` and a missing or unreadable file into one stderr line and exit status 2."""
    try:
        main()
    except BadInput as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(BAD_INPUT_STATUS)
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        print(f"error: {error.filename}: {error.strerror}. Check the path given.", file=sys.stderr)
        sys.exit(BAD_INPUT_STATUS)
