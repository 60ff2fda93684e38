"""The whole table of what things cost: every benchmark with its floor or its peer, in one file."""

import platform
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import torch

from cfmrestore.analysis.benchmarks import cases
from cfmrestore.analysis.benchmarks.degrade import benchmark_degrade
from cfmrestore.analysis.benchmarks.floor import benchmark_floor
from cfmrestore.analysis.benchmarks.metrics import benchmark_metrics
from cfmrestore.analysis.benchmarks.profile import benchmark_profile
from cfmrestore.analysis.benchmarks.ranks import benchmark_ranks
from cfmrestore.analysis.benchmarks.restore import benchmark_restore
from cfmrestore.analysis.benchmarks.sampling import benchmark_sampling
from cfmrestore.analysis.benchmarks.train import benchmark_train
from cfmrestore.analysis.commit import commit_of_checkout
from cfmrestore.process import cores
from cfmrestore.reports.json_csv import write_json

_SMALL, _LARGE = "cfmrestore::cfm_x4.py", "cfmrestore::cfm_realsr.py"
_SIXTEEN_MILLION = {"model.network.base_channels": 64}
PARTS = ("floors", "compiled", "samplings", "profile", "degrade", "metrics", "restore", "train", "ranks")


def benchmark_all(
    photographs: str | Path = "data/photographs/train",
    *,
    device: str = "cpu",
    rounds: int = 5,
    only: Sequence[str] | None = None,
    work_dir: str = "work_dirs/benchmark",
    out: str = "work_dirs/benchmark/speed.json",
) -> dict[str, Any]:
    """Run all benchmarks, and write what ``benchmark page`` makes a page of.

    Each ratio is of two things that were timed in turn in one run. Shipped networks, and one of 16 M parameters.

    Args:
        photographs: A folder of images.
        device: "cpu" or "cuda".
        rounds: How often each thing is timed.
        only: Some of ``PARTS``, whose figures are written after each; by default all, of which "ranks" needs a CPU with
            two cores.
        work_dir: Where the logs of training go.
        out: The JSON file.
    """
    machine: dict[str, Any] = {"device": device, "rounds": rounds}
    tiny = "cfmrestore::cfm_realsr_tiny.py"
    both: list[tuple[str, dict[str, Any]]] = [(_SMALL, {}), (_LARGE, _SIXTEEN_MILLION)]
    parts: dict[str, Callable[[], Any]] = {
        "floors": lambda: [benchmark_floor(one, batch=4, options=keys, **machine) for one, keys in both],
        "compiled": lambda: benchmark_floor(_SMALL, precisions=("fp32",), runs=("eager", "blocks"), **machine),
        "samplings": lambda: [benchmark_sampling(one, options=keys, **machine) for one, keys in both],
        "profile": lambda: benchmark_profile(tiny, iterations=2 * rounds, work_dir=work_dir),
        "train": lambda: benchmark_train(tiny, iterations=4 * rounds, busy=0, work_dir=work_dir),
        "degrade": lambda: benchmark_degrade(photographs, rounds=4 * rounds, busy=0),
        "metrics": lambda: benchmark_metrics(photographs, rounds=rounds, busy=0),
        "restore": lambda: benchmark_restore("cfm-x4", side=512, rounds=rounds, busy=0),
        "ranks": lambda: benchmark_ranks(tiny, iterations=4 * rounds, rounds=rounds),
    }
    result: dict[str, Any] = {
        "commit": commit_of_checkout(),
        "date": date.today().isoformat(),
        "processor": torch.cuda.get_device_name() if device == "cuda" else _processor(),
        **cases.conditions(0),
    }
    has_ranks = device == "cpu" and cores() > 1
    for name in only or [one for one in PARTS if one != "ranks" or has_ranks]:
        result[name] = parts[name]()
        write_json(out, result)
    return result


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    names = [line for line in info.read_text().splitlines() if line.startswith("model name")] if info.is_file() else []
    return names[0].partition(":")[2].strip() if names else platform.processor() or "cpu"
