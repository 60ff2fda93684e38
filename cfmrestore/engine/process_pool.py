"""Independent jobs, one after the other or in several processes."""

import errno
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

import torch

from cfmrestore.engine.time_left import TimeLeft
from cfmrestore.registry import load_plugins

J = TypeVar("J")
R = TypeVar("R")
_LOG = logging.getLogger("cfmrestore")


def run_jobs(
    function: Callable[[J], R], jobs: Sequence[J], workers: int = 1, progress: TimeLeft | None = None
) -> list[R]:
    """The results in order; a job that fails is named at the end and stops no other, unless the disk is full.

    Args:
        function: Of one job; an exception is its failure.
        jobs: Picklable, and named by ``str``.
        workers: Processes, each with one thread for torch; with 1 everything happens here.
        progress: The line on the console; by default the jobs weigh the same.
    """
    load_plugins()
    done: list[R] = []
    failed: list[str] = []
    progress = progress or TimeLeft([1.0] * len(jobs))
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=_start_worker) if workers > 1 else None
    futures = [pool.submit(function, job) for job in jobs] if pool else []
    try:
        for index, job in enumerate(jobs):
            progress.begin(str(job))
            try:
                done.append(futures[index].result() if pool else function(job))
            except Exception as error:  # whatever a codec or an allocator says of this image, others are not to blame
                if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise ValueError(
                        f"the disk is full: {len(done)} of {len(jobs)} are done, {job} and what follows are not. Make "
                        "room and run the same command again"
                    ) from error
                _LOG.debug("%s failed", job, exc_info=error)
                kind = "" if isinstance(error, ValueError | OSError) and str(error) else f"{type(error).__name__}: "
                failed.append(f"{job}: {kind}{error}")
            progress.end()
    finally:
        progress.close()
        if pool:
            pool.shutdown(cancel_futures=True)
    if failed:
        rest = ", the others are done" if done else ""
        raise ValueError(f"{len(failed)} of {len(jobs)} failed{rest}:\n  " + "\n  ".join(failed))
    return done


def _start_worker() -> None:
    torch.set_num_threads(1)
    load_plugins()
