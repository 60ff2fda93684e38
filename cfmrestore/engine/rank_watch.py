"""Ranks that look after each other: where one dies or hangs, the others end and say which."""

import json
import logging
import os
import platform
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import get_rank, get_world_size
from mmengine.hooks import Hook

_PERIOD = 2.0  # seconds between two signs of life


class RankWatch(Hook):
    """Ends this process with a message once its training has stood still for so long.

    From a thread of its own each rank writes into the group's store, every other second, which iteration it is in and
    where its program stands. A rank that has died falls silent, and one that hangs stays behind. Evaluations are left
    to the timeout of their collective operations, and so is the first iteration, in which much is compiled.

    Args:
        timeout: In seconds.
    """

    def __init__(self, *, timeout: float) -> None:
        self.timeout, self.period = timeout, min(_PERIOD, timeout / 5)
        self.rank, self.world_size = get_rank(), get_world_size()
        self.ending = False
        self._state: dict[str, Any] = {"host": platform.node(), "pulse": 0, "iteration": 0, "place": "", "said": ""}
        self._moved: float | None = None  # None while nobody watches
        self._done = threading.Event()
        self._store = torch.distributed.distributed_c10d._get_default_store()

        self._write()
        threading.Thread(target=self._run, daemon=True).start()

    def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None) -> None:
        del batch_idx, data_batch
        self._state["iteration"] = runner.iter + 1
        self._moved = None if self._moved is None else time.monotonic()

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        del runner, batch_idx, data_batch, outputs
        self._moved = time.monotonic()

    def before_val_epoch(self, runner: Any) -> None:
        del runner
        self._moved = None

    def after_val_epoch(self, runner: Any, metrics: dict[str, float] | None = None) -> None:
        del runner, metrics
        self._moved = time.monotonic()

    def after_train(self, runner: Any) -> None:
        del runner
        self._moved = None

    def stop(self) -> None:
        """Watch no longer."""
        self._done.set()

    def say(self, text: str) -> None:
        """Leave a word for the others, and time to read it where they read it here."""
        self._state["said"] = text
        with suppress(RuntimeError):  # with rank 0 the words of all have gone
            self._write()
            time.sleep(self.period)

    def find_cause(self) -> str:
        """What is the matter with whom, after looking at all ranks for some time."""
        try:
            before = self._read()
            for _ in range(3):
                time.sleep(self.period)
                self._write()
            now = self._read()
        except RuntimeError:
            return "rank 0, which holds what ranks tell each other, has ended: its own message says why"
        if missing := [str(rank) for rank in range(self.world_size) if rank not in now]:
            return f"rank {', '.join(missing)} has given no sign of life at all"
        if words := [state["said"] for state in now.values() if state["said"]]:
            return str(words[0])
        names = {rank: f"rank {rank} (on {state['host']})" for rank, state in now.items()}
        if silent := [rank for rank in now if now[rank] == before.get(rank)]:
            since = f"has given no sign of life since about iteration {now[silent[0]]['iteration']}"
            return f"{', '.join(names[rank] for rank in silent[:8])} {since}"
        furthest = max(state["iteration"] for state in now.values())
        behind = [rank for rank in now if now[rank]["iteration"] < furthest] or list(now)
        return "; ".join(
            f"{names[k]} stands in iteration {now[k]['iteration']} at {now[k]['place']}" for k in behind[:8]
        )

    def _run(self) -> None:
        while not self._done.wait(self.period):
            with suppress(RuntimeError):  # rank 0 has ended, perhaps as all do
                self._write()
            if self._moved is not None and time.monotonic() - self._moved > self.timeout:
                self._end()

    def _end(self) -> None:
        """The main thread waits in a call that nothing but the end of its process ends."""
        self.ending = True
        cause = self.find_cause()
        self.say(cause)
        what = f"stood still for {self.timeout:g} s (env_cfg.dist_cfg.timeout)"
        print(f"error: {_message(self, what, cause)}", file=sys.stderr, flush=True)
        logging.shutdown()
        os._exit(1)

    def _write(self) -> None:
        frame = sys._current_frames()[threading.main_thread().ident or 0]
        code = frame.f_code
        self._state["place"] = f"{Path(code.co_filename).name}:{frame.f_lineno} ({code.co_name})"
        self._state["pulse"] += 1
        self._store.set(self._key(self.rank), json.dumps(self._state))

    def _read(self) -> dict[int, dict[str, Any]]:
        ranks = [rank for rank in range(self.world_size) if self._store.check([self._key(rank)])]
        return {rank: json.loads(self._store.get(self._key(rank))) for rank in ranks}

    @staticmethod
    def _key(rank: int) -> str:
        return f"cfmrestore/rank/{rank}"


def _message(watch: RankWatch, what: str, cause: str) -> str:
    return (
        f"rank {watch.rank} of {watch.world_size} {what}: {cause}. Nothing is lost but the iterations since the last "
        "checkpoint: start all ranks again with --resume"
    )


@contextmanager
def watched(timeout: float) -> Iterator[list[Hook]]:
    """Train so that a rank that is lost ends the others, each with one message that names it; hooks for the runner."""
    if get_world_size() == 1:
        yield []
        return
    watch = RankWatch(timeout=timeout)
    try:
        yield [watch]
    except BaseException as error:
        if watch.ending:
            time.sleep(60)  # the message is being written
        if not _of_the_group(error):
            watch.say(f"rank {watch.rank} (on {platform.node()}) ended with {error or type(error).__name__}")
            raise
        cause = watch.find_cause()
        watch.say(cause)
        raise ValueError(_message(watch, "cannot go on", cause)) from error
    finally:
        watch.stop()


def _of_the_group(error: BaseException) -> bool:
    """Whether a collective operation failed."""
    return isinstance(error, RuntimeError) and bool(re.search("gloo|NCCL|ProcessGroup|TCPStore", str(error)))
