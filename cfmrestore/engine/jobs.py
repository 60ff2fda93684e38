"""Independent jobs, one after the other or in several processes, and the line on the console that tells of them."""

import errno
import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, TypeVar

import torch

from cfmrestore.registry import load_plugins

J = TypeVar("J")
T = TypeVar("T")
R = TypeVar("R")
_LOG = logging.getLogger("cfmrestore")
_LIVE, _LOGGED = 0.2, 30.0  # seconds between two changes of a terminal's line, and between two lines of a log


class JobsError(ValueError):
    """Some of several jobs failed: names with what is said of each, and what the others gave."""

    def __init__(self, failed: Sequence[tuple[str, str]], done: Sequence[Any], count: int | None = None) -> None:
        of_all = "" if count is None else f" of {count}"
        lines = "".join(f"\n  {name}: {message}" for name, message in failed)
        super().__init__(f"{len(failed)}{of_all} failed{', the others are done' * bool(done)}:{lines}")
        self.failed, self.done = list(failed), list(done)

    @property
    def results(self) -> dict[str, Any]:
        """The same for scripts; what is said of jobs of one name stands together."""
        said = {name: "\n".join(text for other, text in self.failed if other == name) for name, _ in self.failed}
        return {"done": self.done, "failed": said}


class TimeLeft:
    """Progress over items, whose weights say how much work each is thought to be: part, time left, rate.

    On a terminal one line changes in place. Elsewhere there is a line every half minute, so that short work is silent
    and a log tells of long work.
    """

    def __init__(self, weights: Sequence[float]) -> None:
        self.weights, self.index, self.name = list(weights), 0, ""
        self.began = self.shown = time.monotonic()
        self.detail = ""
        self.live = sys.stderr.isatty()

    def begin(self, name: str) -> None:
        """The next item."""
        self.name, self.detail = name, ""
        self.update(0.0)

    def set_size(self, size: tuple[int, int]) -> None:
        """Height and width of the item."""
        self.detail = f" {size[1]}x{size[0]}"

    def update(self, part: float) -> None:
        """So much of the item is done, from 0 to 1."""
        now = time.monotonic()
        if self.live and (now - self.shown > _LIVE or part in (0.0, 1.0)):
            self.shown = now
            print(f"\r{self._line(part)}\x1b[K", end="", file=sys.stderr, flush=True)
        elif not self.live and now - self.shown > _LOGGED:
            self.shown = now
            print(self._line(part), file=sys.stderr, flush=True)

    def say(self, text: str) -> None:
        """A line that stays, above that of the progress."""
        print(f"\r{text}\x1b[K" if self.live else text, file=sys.stderr, flush=True)

    def end(self) -> None:
        """The item is done."""
        self.index += 1

    def close(self) -> None:
        """Nothing follows."""
        if self.live and self.weights:
            print(file=sys.stderr)

    def _line(self, part: float) -> str:
        whole = sum(self.weights)
        done = (sum(self.weights[: self.index]) + part * self.weights[self.index]) / whole
        passed = time.monotonic() - self.began
        left = (
            f", {_clock(passed * (1 - done) / done)} left" if 0 < done < 1 else f", took {_clock(passed)}" * (done >= 1)
        )
        items = self.index + part
        rate = f", {_rate(items / passed)}" if items >= 1 and passed > 0 else ""
        return f"{self.index + 1}/{len(self.weights)} {self.name}{self.detail} {100 * part:.0f} %{left}{rate}"


def track(items: Sequence[T], name: str | None = None) -> Iterator[T]:
    """The items, with a line on the console that tells of them, by one name for all or each by its own."""
    progress = TimeLeft([1.0] * len(items))
    try:
        for item in items:
            progress.begin(str(item) if name is None else name)
            yield item
            progress.update(1.0)
            progress.end()
    finally:
        progress.close()


def _rate(per_second: float) -> str:
    return f"{per_second:.1f} a second" if per_second >= 1 else f"{1 / per_second:.1f} s each"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


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
    failed: list[tuple[str, str]] = []
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
                said = f"{kind}{error}".replace(f"cannot read {str(job)!r}: ", "cannot read it: ", 1)
                failed.append((str(job), said))
            progress.update(1.0)
            progress.end()
    finally:
        progress.close()
        if pool:
            pool.shutdown(cancel_futures=True)
    if failed:
        raise JobsError(failed, done, len(jobs))
    return done


def _start_worker() -> None:
    torch.set_num_threads(1)
    load_plugins()
