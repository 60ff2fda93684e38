"""Cases of a measurement: the machine as it is, and beside processes that keep its cores busy."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

import torch

from cfmrestore.engine import checkpoints

R = TypeVar("R")

# The pipe closes with the process that holds its other end, however that ended.
_SPIN = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
print("begun", flush=True)
while True:
    pass
"""


def in_cases(measure: Callable[[], R], busy: int = 1) -> dict[str, R]:
    """Results by case: "quiet" is the machine as it is, "busy" beside so many processes that keep a core each busy."""
    if busy < 0:
        raise ValueError(f"the number of busy processes must be 0 or more; got {busy}")
    results = {"quiet": measure()}
    if busy:
        with busy_processes(busy):
            results["busy"] = measure()
    return results


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """Processes that keep a core each busy, until the block or this process ends."""
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(_busy_process())
        yield


@contextmanager
def _busy_process() -> Iterator[None]:
    with subprocess.Popen(
        [sys.executable, "-ISc", _SPIN],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for the measurement
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()  # what starting costs is not measured
        try:
            yield
        finally:
            process.kill()


def conditions(busy: int) -> dict[str, Any]:
    """Under which a measurement begins; the load tells how quiet the machine was."""
    return {
        "threads": torch.get_num_threads(),
        "wait_policy": os.environ.get("OMP_WAIT_POLICY", "not set"),
        "busy_processes": busy,
        "load": os.getloadavg()[0],
        "versions": checkpoints.versions(),
    }


def print_conditions(result: dict[str, Any]) -> None:
    """The head of a report."""
    print(
        f"\n{result['threads']} threads, OMP_WAIT_POLICY {result['wait_policy']}; busy: beside "
        f"{result['busy_processes']} processes that spin; quiet: at a load of {result['load']:.1f} before\n"
    )
