"""How benchmarks measure and tell: things in turn, on a machine as it is and beside processes that keep it busy."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from statistics import median, quantiles
from typing import Any, TypeVar

import torch

from cfmrestore.engine import checkpoints
from cfmrestore.reports.json_csv import write_json
from cfmrestore.reports.markdown import markdown_table

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
    command, pipe = [sys.executable, "-ISc", _SPIN], subprocess.PIPE
    with ExitStack() as stack:
        for _ in range(count):  # in sessions of their own: Ctrl-C is for the measurement
            process = subprocess.Popen(command, stdin=pipe, stdout=pipe, start_new_session=True)
            stack.enter_context(process)
            stack.callback(process.kill)
            assert process.stdout is not None
            process.stdout.readline()  # what starting costs is not measured
        yield


def clock_of(device: str) -> Callable[[], float]:
    """Seconds of a device: of a CPU those of this process's threads, which other processes do not lengthen."""
    if device == "cpu":
        return time.process_time

    def synchronized() -> float:
        torch.cuda.synchronize()
        return time.perf_counter()

    return synchronized


def in_turn(
    functions: Mapping[str, Callable[[int], Any]], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, list[float]]:
    """Seconds of every round, the functions in turn, after one round that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for number in range(rounds + 1):
        for name, function in functions.items():
            began = clock()
            function(number)
            if number:
                seconds[name].append(clock() - began)
    return seconds


def quartiles(seconds: Sequence[float]) -> list[float]:
    """Quartiles within what was measured; of one round that round."""
    return quantiles(seconds, n=4, method="inclusive") if len(seconds) > 1 else 3 * list(seconds)


def compared(seconds: dict[str, list[float]], count: int = 1) -> dict[str, Any]:
    """Two timed in turn: quartiles of milliseconds for one of ``count``, and how much longer the second took."""
    first, second = seconds.values()
    return {
        "milliseconds": {name: [1e3 * q / count for q in quartiles(one)] for name, one in seconds.items()},
        "ratio": sum(second) / sum(first),
        "ratio_of_medians": median(second) / median(first),
    }


def comparison_table(kinds: dict[str, dict[str, Any]]) -> str:
    """What ``compared`` found, by kind and case."""
    rows = []
    for kind, cases in kinds.items():
        for case, timed in cases.items():
            columns = [title for name in timed["milliseconds"] for title in (f"{name} ms", "quartiles")]
            cells = [
                text
                for low, m, high in timed["milliseconds"].values()
                for text in (f"{m:.2f}", f"{low:.2f} to {high:.2f}")
            ]
            rows.append([kind, case, *cells, f"{timed['ratio_of_medians']:.2f}"])
    return markdown_table([["what", "case", *columns, "ratio of medians"], *rows])


def conditions(busy: int) -> dict[str, Any]:
    """Under which a measurement begins; the load tells how quiet the machine was."""
    return {
        "threads": torch.get_num_threads(),
        "wait_policy": os.environ.get("OMP_WAIT_POLICY", "not set"),
        "busy_processes": busy,
        "load": os.getloadavg()[0],
        "versions": checkpoints.versions(),
    }


def report(title: str, result: dict[str, Any], lines: Iterable[str], out: str | None) -> None:
    """Print what was measured and under which conditions, and write the figures where that is asked for."""
    print(
        f"\n{title}\n\n{result['threads']} threads, OMP_WAIT_POLICY {result['wait_policy']}; busy: beside "
        f"{result['busy_processes']} processes that spin; quiet: at a load of {result['load']:.1f} before\n"
    )
    print("\n".join(lines))
    if out is not None:
        write_json(out, result)
