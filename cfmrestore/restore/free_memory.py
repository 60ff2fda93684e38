"""How much memory is free, and whether an error says that there was too little."""

from pathlib import Path

import psutil
import torch

_CGROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)
_TOLD = ("can't allocate memory", "out of memory", "not enough memory", "alloc_failed", "bad_alloc")


def free_bytes(device: torch.device) -> int:
    """Free memory of the device; on a CPU also within the limit of a container."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    limits = [psutil.virtual_memory().available, *(limit for pair in _CGROUPS if (limit := _left(*pair)) is not None)]
    return max(min(limits), 0)


def _left(limit: str, used: str) -> int | None:
    if not Path(limit).is_file() or not Path(used).is_file():
        return None
    top = Path(limit).read_text().strip()
    if not top.isdigit():
        return None
    stat = _numbers(Path(used).with_name("memory.stat"))
    files = stat.get("total_inactive_file", stat.get("inactive_file", 0))  # used, and only keeps what was read
    return int(top) - int(Path(used).read_text()) + files


def _numbers(file: Path) -> dict[str, int]:
    """Names and whole numbers of a file of lines; nothing where there is none."""
    lines = file.read_text().splitlines() if file.is_file() else []
    return {words[0]: int(words[1]) for line in lines if len(words := line.split()) > 1 and words[1].isdigit()}


def is_out_of_memory(error: BaseException) -> bool:
    """Whether less work at a time may mend it; a CPU's allocator raises a plain RuntimeError."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(told in str(error).lower() for told in _TOLD)
