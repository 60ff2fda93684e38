"""A process that a person started: its environment, and errors that can be read."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

_INTERRUPTED = 128 + 2  # the signal SIGINT
_QUIET = "CFMRESTORE_QUIET"  # processes that are started here hear it too


def prepare_process() -> None:
    """Environment of a process that computes, set before torch is loaded unless the user has set it."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    sys.path.append(str(Path.cwd()))  # where a config's custom_imports are looked for too


@contextmanager
def readable_errors(interrupted: str = "interrupted") -> Iterator[None]:
    """What the user can mend is one line and exit code 1; Ctrl-C is one line and 130, as shells have it.

    Anything else keeps its traceback.
    """
    try:
        yield
    except BrokenPipeError:  # nobody reads any more, which is no mistake: quiet_pipes ends the process
        raise
    except (ValueError, OSError) as error:
        text = str(error)
        if text.startswith("Caught "):  # a data loader's worker wrapped it in its traceback
            text = text.rstrip().splitlines()[-1].removeprefix("ValueError: ")
        sys.exit(f"error: {text}")
    except KeyboardInterrupt:
        print(interrupted, file=sys.stderr)
        sys.exit(_INTERRUPTED)


@contextmanager
def quiet_pipes() -> Iterator[None]:
    """Where the reader of what is printed has gone (``| head -1``), end as what SIGPIPE ends: 141, without a word."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except BrokenPipeError:  # what is left in it would be written, and fail, when Python ends
                os.dup2(nowhere, stream.fileno())
        sys.exit(141)


def is_quiet() -> bool:
    """Whether only results and errors are wanted."""
    return bool(os.environ.get(_QUIET))


def cores() -> int:
    """Cores that this process may use, where the system tells; or else all."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def console(*, quiet: bool, json: bool) -> Iterator[None]:
    """Where a command speaks: quietly, nothing goes to stderr; for JSON, what it prints goes to stderr."""
    before = os.environ.get(_QUIET)
    with ExitStack() as stack:
        if quiet:
            os.environ[_QUIET] = "1"
            stack.enter_context(redirect_stderr(stack.enter_context(Path(os.devnull).open("w", encoding="utf-8"))))
        if json:
            stack.enter_context(redirect_stdout(sys.stderr))
        try:
            yield
        finally:
            if quiet and before is None:
                del os.environ[_QUIET]
