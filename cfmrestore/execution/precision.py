"""Precisions by name, and which of them a device is fastest in."""

from pathlib import Path

import torch

PRECISIONS = {"fp32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def best_precision(device: str) -> str:
    """The fastest precision of a device: reduced only where its hardware multiplies it natively."""
    if device == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    if device == "cpu":
        info = Path("/proc/cpuinfo")
        flags = info.read_text() if info.is_file() else ""
        return "bf16" if "amx_bf16" in flags or "avx512_bf16" in flags else "fp32"
    return "fp32"
