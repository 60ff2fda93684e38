"""How much memory is free, and whether an error says that there was too little."""

from pathlib import Path

import torch

_CGROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)
_TOLD = ("can't allocate memory", "out of memory", "not enough memory", "alloc_failed", "bad_alloc")
_UNKNOWN = 4 * 2**30  # assumed where the system does not tell


def free_bytes(device: torch.device) -> int:
    """Free memory of the device; on a CPU also within the limit of a container."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    limits = [_available(), *(limit for pair in _CGROUPS if (limit := _left(*pair)) is not None)]
    return max(min(limits), 0)


def _available() -> int:
    info = Path("/proc/meminfo")
    if not info.is_file():
        return _UNKNOWN
    lines = dict(line.split(":", 1) for line in info.read_text().splitlines() if ":" in line)
    return int(lines["MemAvailable"].split()[0]) * 1024 if "MemAvailable" in lines else _UNKNOWN


def _left(limit: str, used: str) -> int | None:
    if not Path(limit).is_file() or not Path(used).is_file():
        return None
    top = Path(limit).read_text().strip()
    if not top.isdigit():
        return None
    return int(top) - int(Path(used).read_text()) + _reclaimable(Path(used).parent / "memory.stat")


def _reclaimable(stat: Path) -> int:
    """Part of the used memory that only keeps files that were read."""
    if not stat.is_file():
        return 0
    lines = dict(line.split(maxsplit=1) for line in stat.read_text().splitlines() if " " in line)
    return int(lines.get("total_inactive_file", lines.get("inactive_file", 0)))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether less work at a time may mend it; a CPU's allocator raises a plain RuntimeError."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(told in str(error).lower() for told in _TOLD)
