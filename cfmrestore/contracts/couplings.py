"""Contract of couplings: starts of the size of the ends, drawn image by image from the law that they state."""

import torch
from torch import Tensor

from cfmrestore.contracts.base import Contract, Keys, close, randomize, require, shape
from cfmrestore.couplings.base import Coupling
from cfmrestore.encoders.haar import Haar
from cfmrestore.execution import Execution
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import COUPLINGS, build_plugin

EXECUTION = Execution(device=torch.device("cpu"))
NETWORK: Keys = {
    "type": "UNet", "base_channels": 8, "channel_factors": (1, 2), "blocks": 1, "groups": None, "heads": 1,
    "head_dim": 8, "attention_factors": (), "time_scale": 1000.0,
}  # fmt: skip


def images(batch: int = 3, side: int = 8) -> Tensor:
    """Noise."""
    return torch.rand(batch, 3, side, side, generator=torch.Generator().manual_seed(0))


def build(cls: type, keys: Keys) -> Coupling:
    """Between a wavelet space and inputs of half the size; a network of its own gets random weights."""
    offers = {"encoder": Haar(factor=2), "scale": 2}
    coupling: Coupling = build_plugin({**keys, "type": cls}, COUPLINGS, offers)
    if getattr(coupling, "network", None) is not None:
        assert coupling.network is not None
        randomize(coupling.network)
    return coupling


def check_shapes(coupling: Coupling) -> None:
    """Starts and ends have the latent size of the target, and the source tells what its law needs."""
    low, high = images(), images(side=16)
    pair = coupling.pair(high, low, ImageRng([1, 2, 3]))
    found, promised = (shape(x) for x in (pair.source.x_0, pair.x_1))
    require(
        pair.source.x_0.shape == pair.x_1.shape == (3, coupling.encoder.channels, 8, 8),
        f"starts are {found}, and ends {promised}: lift the input (self.lifted) to the size of the target",
    )
    require(
        torch.equal(pair.x_1, coupling.encoder.encode(high)), "the end is not the target encoded: leave pair as it is"
    )
    lowres = pair.source.lowres
    require(lowres is not None and lowres.shape == pair.x_1.shape, "the source has no lowres of the size of the ends")
    missing = [name for name in coupling.law_needs if getattr(pair.source, name) is None]
    require(not missing, f"law_needs says {', '.join(missing)}, which the source does not hold")


def check_images_are_independent(coupling: Coupling) -> None:
    """The start of an image does not depend on its batch."""
    low = images()
    together = coupling.source(low, ImageRng([1, 2, 3]), EXECUTION)
    alone = coupling.source(low[1:2], ImageRng([2]), EXECUTION)
    for name in ("x_0", "lowres"):
        here, there = getattr(together, name), getattr(alone, name)  # a network rounds otherwise in another batch
        require(close(here[1:2], there), f"{name} of an image depends on its batch: draw from the rng that source gets")


def check_starts_of_latents(coupling: Coupling) -> str | None:
    """Where it can start at the lifted input, as caches of latents have it, a start is the one of the images."""
    if type(coupling).start_from_lifted is Coupling.start_from_lifted:
        return "it starts at images alone"
    low, rng = images(), ImageRng([1, 2, 3])
    lifted = coupling.start_from_lifted(coupling.lifted(low, rng, EXECUTION), rng, EXECUTION)
    there = coupling.start(low, rng, EXECUTION)
    same = all(close(getattr(lifted, name), getattr(there, name)) for name in ("x_0", "mean", "std", "lowres"))
    require(same, "start_from_lifted and start differ: let start be start_from_lifted(self.lifted(low, ...), ...)")
    return None


def check_law(coupling: Coupling) -> None:
    """x_0 ~ N(mean, std^2): over many draws (x_0 - mean) / std is standard normal, and x_0 the mean where std is 0."""
    low = images(1).expand(400, -1, -1, -1)
    source = coupling.source(low, ImageRng(range(400)), EXECUTION)
    certain = source.std == 0
    require(torch.allclose(source.x_0[certain], source.mean[certain]), "where std is 0, x_0 is not the mean")
    if not certain.all():
        z = ((source.x_0 - source.mean) / source.std.where(~certain, 1)).flatten(1)[:, ~certain[0].flatten()]
        require(
            float(z.mean(0).square().mean()) < 1.3 / 400, "the mean of many draws of x_0 is not the mean of the source"
        )  # the variance of a mean of 400
        require(abs(float(z.std()) - 1) < 0.02, f"x_0 spreads {float(z.std()):.2f} times as much as std says")


CONTRACT = Contract(
    COUPLINGS,
    Coupling,
    (check_shapes, check_images_are_independent, check_starts_of_latents, check_law),
    build=build,
    cases={
        "LowresLatent": [
            {},
            {"noise": None},
            {"noise": [100, 500]},
            {"noise": 250, "table": "linear"},
            *({"upsample": mode} for mode in ("bilinear", "decoded", "latent", "nearest", "noise_filled")),
        ],
        "PosteriorMean": [{"network": NETWORK}],
    },
    unchecked="whether `start`, of training, draws as `source`, of restoring, where their noise differs by design",
)
