"""A process that a person started: its environment, and errors that can be read."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def prepare_process() -> None:
    """Environment of a process that computes, set before torch is loaded unless the user has set it."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    sys.path.append(str(Path.cwd()))  # where a config's custom_imports are looked for too


@contextmanager
def readable_errors(interrupted: str = "interrupted") -> Iterator[None]:
    """What the user can mend is one line and exit code 1, anything else keeps its traceback."""
    try:
        yield
    except (ValueError, OSError) as error:
        text = str(error)
        if text.startswith("Caught "):  # a data loader's worker wrapped it in its traceback
            text = text.rstrip().splitlines()[-1].removeprefix("ValueError: ")
        sys.exit(f"error: {text}")
    except KeyboardInterrupt:
        sys.exit(interrupted)
