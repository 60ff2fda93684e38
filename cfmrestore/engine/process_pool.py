"""Independent jobs, one after the other or in several processes."""

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import Any, TypeVar

import torch
from mmengine.utils import ProgressBar

from cfmrestore.registry import load_plugins

J = TypeVar("J")
R = TypeVar("R")


def run_jobs(function: Callable[[J], R], jobs: Sequence[J], workers: int = 1) -> list[R]:
    """The results in order, with progress and the time left; a job that fails is named at the end and stops no other.

    Args:
        function: Of one job; an exception is its failure.
        jobs: Picklable, and named by ``str``.
        workers: Processes, each with one thread for torch; with 1 everything happens here.
    """
    load_plugins()
    done: list[R] = []
    failed: list[str] = []
    bar = ProgressBar(len(jobs), file=sys.stderr) if jobs else None
    for job, (result, error) in zip(jobs, _results(partial(_try, function), jobs, workers), strict=True):
        if error:
            failed.append(f"{job}: {error}")
        else:
            done.append(result)
        if bar:
            bar.update()
    print(file=sys.stderr)
    if failed:
        raise ValueError(f"{len(failed)} of {len(jobs)} failed: " + "; ".join(failed[:5]))
    return done


def _results(function: Callable[[J], Any], jobs: Sequence[J], workers: int) -> Iterator[Any]:
    if workers <= 1:
        yield from map(function, jobs)
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=_start_worker) as pool:
        yield from pool.map(function, jobs)


def _start_worker() -> None:
    torch.set_num_threads(1)
    load_plugins()


def _try(function: Callable[[J], R], job: J) -> tuple[R | None, str]:
    try:
        return function(job), ""
    except (ValueError, OSError) as error:
        return None, str(error) or type(error).__name__
    except Exception as error:  # whatever a codec or an allocator says of this image, the next one is not to blame
        return None, f"{type(error).__name__}: {error}"
