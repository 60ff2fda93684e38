"""Joining the processes of a run, with the backend that the device has."""

import atexit
import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import torch

TIMEOUT = 600.0  # seconds, NCCL's own


def detect(launcher: str | None, env: Mapping[str, str] = os.environ) -> str:
    """The launcher that was asked for, or else the one that set the environment.

    ``torchrun`` and ``accelerate launch`` set the same variables, so neither needs a flag.
    """
    if launcher is not None:
        return launcher
    return "pytorch" if int(env.get("WORLD_SIZE", 1)) > 1 and "RANK" in env else "none"


def restarts(env: Mapping[str, str] = os.environ) -> tuple[int, int]:
    """How often ``torchrun --max-restarts`` has started this run again, and how often it may."""
    return int(env.get("TORCHELASTIC_RESTART_COUNT", 0)), int(env.get("TORCHELASTIC_MAX_RESTARTS", 0))


def device_of_process(device: str = "auto", env: Mapping[str, str] = os.environ) -> str:
    """The device that was asked for; "auto" is a GPU of this process's own, or the CPU where there is none."""
    if device != "auto":
        return device
    if not torch.cuda.is_available():
        return "cpu"
    return f"cuda:{int(env.get('LOCAL_RANK', 0)) % torch.cuda.device_count()}"


def join(launcher: str, timeout: float = TIMEOUT) -> None:
    """Start the process group: NCCL with one GPU a process, gloo without.

    Args:
        launcher: What started the processes.
        timeout: Seconds that one waits for the others.
    """
    if not isinstance(timeout, int | float) or not timeout > 0:
        raise ValueError(f"env_cfg.dist_cfg.timeout must be a positive number of seconds; got {timeout!r}")
    if launcher == "none" or torch.distributed.is_initialized():
        return
    if launcher == "slurm":
        _translate("SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID")
        os.environ.setdefault("MASTER_ADDR", _first_host(os.environ["SLURM_NODELIST"]))
    elif launcher == "mpi":
        _translate("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK")
        os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
    os.environ.setdefault("MASTER_PORT", "29500")
    if "RANK" not in os.environ:
        raise ValueError("launcher 'pytorch' needs torchrun or accelerate launch to start the processes")
    from accelerate import PartialState

    try:  # a little longer than what RankWatch waits, which knows more
        longer = timedelta(seconds=timeout + min(timeout, 30))
        PartialState(cpu=not torch.cuda.is_available(), timeout=longer, **_store_of_restart())
    except torch.distributed.DistError as error:
        place = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
        raise ValueError(
            f"rank {os.environ['RANK']} of {os.environ['WORLD_SIZE']} did not find the others at {place} in "
            f"{timeout:g} s (env_cfg.dist_cfg.timeout): {error}. Are all ranks started, with one address and port?"
        ) from error
    atexit.register(_leave)


def _leave() -> None:
    """End the threads of gloo, which now and then abort a process that ends before them."""
    if torch.distributed.is_initialized() and torch.distributed.get_backend() == "gloo":
        torch.distributed.destroy_process_group()


def _store_of_restart() -> dict[str, Any]:
    """A part of torchrun's store for a restart alone: beside it the addresses of the processes before still stand."""
    done, _ = restarts()
    if not done or os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True":
        return {}
    kept = torch.distributed.TCPStore(os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), is_master=False)
    store = torch.distributed.PrefixStore(f"restart_{done}", kept)
    return {"store": store, "rank": int(os.environ["RANK"]), "world_size": int(os.environ["WORLD_SIZE"])}


def _translate(rank: str, world_size: str, local_rank: str) -> None:
    """Give the variables of a scheduler the names that torch knows."""
    for name, source in (("RANK", rank), ("WORLD_SIZE", world_size), ("LOCAL_RANK", local_rank)):
        if source not in os.environ:
            raise ValueError(f"this launcher needs the variable {source}, which its scheduler sets")
        os.environ[name] = os.environ[source]


def _first_host(nodes: str) -> str:
    """The first of a slurm node list such as ``gpu[03-05,9]`` or ``login,gpu[03-05]``."""
    head, bracket, rest = nodes.partition("[")
    if "," in head or not bracket:
        return head.split(",")[0]
    return head + rest.partition("]")[0].split(",")[0].split("-")[0] + rest.partition("]")[2].split(",")[0]
