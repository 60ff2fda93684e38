"""Weights of autoencoders that a test makes, in the files that their encoders read."""

from pathlib import Path

import torch

from cfmrestore.encoders.taef2 import build_decoder, build_encoder


def save_taef2(folder: Path) -> Path:
    """TAEF2 with random weights, of 16 bits as it is distributed."""
    folder.mkdir(exist_ok=True)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        torch.save(build_encoder().half().state_dict(), folder / "taef2_encoder.pth")
        torch.save(build_decoder().half().state_dict(), folder / "taef2_decoder.pth")
    return folder
