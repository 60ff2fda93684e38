"""The web page, with a model that needs no training."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image


@dataclass
class FakeSamples:
    images: list[Image.Image]
    spread: np.ndarray


@dataclass
class FakeRestorer:
    """Turns every picture yellow and larger, in ten steps; the blue of the k-th sample is its seed."""

    scale: int = 2
    seconds: float = 0.0
    needs: frozenset[str] = frozenset()
    calls: list[dict[str, Any]] = field(default_factory=list)

    def __call__(
        self, image: Image.Image, *, on_progress: Callable[[float], None] | None = None, **settings: Any
    ) -> Image.Image:
        self.calls.append({"size": image.size, **settings})
        for step in range(10):
            time.sleep(self.seconds / 10)
            if on_progress is not None:
                on_progress((step + 1) / 10)
        return Image.new("RGB", [side * settings["scale"] for side in image.size], (240, 220, settings["seed"]))

    def sample(self, image: Image.Image, *, count: int, seed: int, **settings: Any) -> FakeSamples:
        images = [self(image, seed=seed + 40 * k, **settings) for k in range(count)]
        height, width = np.asarray(images[0]).shape[:2]
        return FakeSamples(images, np.linspace(0, 9, height * width).reshape(height, width))
