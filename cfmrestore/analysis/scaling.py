"""What a training costs on 1 to 1,024 GPUs: steps, gradients, bytes read, checkpoints, restarts."""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from typing import Any

_NODE = 8  # GPUs
_HOUR = 3600.0


def _constant(value: float, unit: str, source: str) -> Any:
    return field(default=value, metadata={"unit": unit, "source": source})


@dataclass(frozen=True)
class Constants:
    """What the model takes as given, each with its unit and source; "measured" is what this project's runs showed."""

    step: float = _constant(0.0973, "s", "measured: `benchmarks/results/h100_unet-305m.json`, batch 8, bfloat16")
    batch: float = _constant(8, "latents a GPU", "of that step; it stays, so that the batch of all GPUs grows")
    parameters: float = _constant(305.8e6, "", "counted: FMBoost's network")
    entry: float = _constant(524_288, "bytes", "counted: moments 8x128x128 of target and input, float16")
    state: float = _constant(16, "bytes a parameter", "counted: weights, moving average, two moments of Adam, float32")
    gradient: float = _constant(4, "bytes a parameter", "counted: float32")
    inside: float = _constant(
        360e9, "bytes/s", "assumed: 80 % of NVLink's 450 GB/s a direction (NVIDIA, H100 data sheet)"
    )
    between: float = _constant(40e9, "bytes/s a GPU", "assumed: 80 % of 400 Gb/s InfiniBand a GPU (NVIDIA, DGX H100)")
    latency: float = _constant(2e-5, "s a hop", "assumed; hops grow as log2 of the GPUs")
    bucket: float = _constant(25e6, "bytes", "torch's default of DistributedDataParallel")
    hidden: float = _constant(2 / 3, "of a step", "counted: the backward pass, behind which gradients are summed")
    reading: float = _constant(5e9, "bytes/s a node", "assumed: one NVMe disk, or as much of a shared file system")
    writing: float = _constant(1e9, "bytes/s", "assumed: one process into a shared file system")
    between_failures: float = _constant(
        16_384 * 54 * 24 / 419, "hours a GPU", "419 interruptions in 54 days of 16,384 GPUs (arXiv:2407.21783, 3.3.4)"
    )
    restart: float = _constant(600, "s", "assumed: queue, start of processes, reading of the checkpoint")


@dataclass(frozen=True)
class Cost:
    """What a number of GPUs does.

    Args:
        gpus: Their number.
        step: Seconds of a step.
        gradients: Of it what waits for gradients.
        reading: Bytes a second that all GPUs read.
        interval: Seconds between checkpoints at which least is lost.
        lost: Share of the time that goes into checkpoints, work done again and restarts.
        efficiency: Latents a second a GPU, beside those of one GPU that never fails.
        latents: A second, of all.
    """

    gpus: int
    step: float
    gradients: float
    reading: float
    interval: float
    lost: float
    efficiency: float
    latents: float


def cost(gpus: int, given: Constants | None = None) -> Cost:
    r"""The model.

    Gradients are summed by a ring, :math:`2 \frac{n - 1}{n}` times their bytes over the slowest link; the checkpoint of
    c seconds is written every :math:`\tau = \sqrt{2 c M}` seconds with M the mean time between failures of all GPUs
    (Young, 1974), so that :math:`c / \tau + (\tau / 2 + r) / M` of the time is lost, with r that of a restart.
    """
    k = given or Constants()
    link = math.inf if gpus == 1 else k.inside if gpus <= _NODE else k.between
    moved = k.gradient * k.parameters
    summed = 2 * (gpus - 1) / gpus * moved / link + moved / k.bucket * math.log2(gpus) * k.latency
    exposed = max(summed - k.hidden * k.step, k.bucket / link)  # the last bucket has nothing to hide behind
    step = k.step + exposed
    needed = k.batch * k.entry * min(gpus, _NODE) / k.reading
    step = max(step, needed)
    writing, failures = k.state * k.parameters / k.writing, k.between_failures * _HOUR / gpus
    interval = math.sqrt(2 * writing * failures)
    lost = min(writing / interval + (interval / 2 + k.restart) / failures, 1.0)
    return Cost(
        gpus=gpus,
        step=step,
        gradients=exposed,
        reading=gpus * k.batch * k.entry / step,
        interval=interval,
        lost=lost,
        efficiency=k.step / step * (1 - lost),
        latents=gpus * k.batch / step * (1 - lost),
    )


def constants_rows(given: Constants | None = None) -> Iterator[list[str]]:
    """What is taken as given, as lines of a table."""
    values = asdict(given or Constants())
    yield ["constant", "value", "unit", "from"]
    for one in fields(Constants):
        yield [one.name, f"{values[one.name]:.4g}", one.metadata["unit"], one.metadata["source"]]
