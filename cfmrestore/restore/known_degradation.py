"""Degradations of which all is known: the operator that made an image, by a preset, a sidecar or a mask."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cfmrestore.datasets.sidecars import read_sidecar
from cfmrestore.degradations import Compose, Degradation, ForwardOperator
from cfmrestore.engine.config import presets
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import load_plugins
from cfmrestore.typing import Frame, Image, Size

_SCALES = (1, 2, 3, 4, 6, 8, 16)  # that are tried where nothing says the scale
_DRAWS = (0, 1)  # seeds, whose draws agree where nothing is drawn


@dataclass(frozen=True)
class KnownDegradation:
    """What made an image.

    Args:
        operator: Which is undone.
        size: Height and width that the image had before.
    """

    operator: ForwardOperator
    size: Size


def known_degradation(
    image: Image,
    degradation: str | Degradation[Any] | Mapping[str, Any] | Sequence[Any] | None = None,
    *,
    known: str | Path | Mapping[str, Any] | Any = None,
    mask: Tensor | None = None,
    noise_level: float | None = None,
) -> KnownDegradation:
    """The operator that made an image, from what a user says of it.

    Args:
        image: The degraded images (b, 3, h, w).
        degradation: Name or path of a preset ("bicubic", or "bicubic_x2" at another scale than its own), an operator
            or its config, or the steps of a chain. What it draws must be known.
        known: A sidecar that ``cfmrestore degrade`` wrote, or what is in one, which names the degradation too; or the
            parameters of this degradation, as they are or as JSON.
        mask: In place of both: 1 in the holes.
        noise_level: Standard deviation of the noise in the image, white is 1; by default what the degradation adds.
    """
    if mask is not None:
        if degradation is not None or known is not None:
            raise ValueError("give a mask, or a degradation: a mask among other operators is one of its steps")
        found = KnownDegradation(ForwardOperator.of_mask(mask), (image.shape[-2], image.shape[-1]))
    else:
        found = _of_chain(image, degradation, known, draws_noise=noise_level is not None)
    if noise_level is not None:
        if not noise_level >= 0:
            raise ValueError(f"the noise level is 0 or more, where white is 1; got {noise_level}")
        found = replace(found, operator=replace(found.operator, sigma=noise_level))
    return found


def _of_chain(image: Image, degradation: Any, known: Any, *, draws_noise: bool) -> KnownDegradation:
    """The operator of a chain, which may draw the level of its noise where another one is told."""
    sidecar = _read(Path(known), degradation) if isinstance(known, str | Path) else known
    is_sidecar = isinstance(sidecar, Mapping) and {"degradation", "params", "source_size"} <= sidecar.keys()
    scales: tuple[float, ...] = _SCALES
    if degradation is None:
        if not is_sidecar:
            raise ValueError("name the degradation, or give the sidecar that `cfmrestore degrade` wrote, or a mask")
        chain: Degradation[Any] = Compose(steps=sidecar["degradation"])
    else:
        chain, scales = _chain_of(degradation)
    size = (image.shape[-2], image.shape[-1])
    if is_sidecar:
        if len(image) > 1:
            raise ValueError(f"a sidecar belongs to one image; got a batch of {len(image)}")
        whole = tuple(int(side) for side in sidecar["source_size"])
        if sidecar.get("frozen"):
            whole = tuple(side // int(sidecar["scale"]) * int(sidecar["scale"]) for side in whole)
        return KnownDegradation(ForwardOperator.of(chain, _params(chain, sidecar["params"])), (whole[0], whole[1]))
    tried = [(round(scale * size[0]), round(scale * size[1])) for scale in scales]
    for whole in tried:
        draws = [sidecar and _params(chain, sidecar)] if sidecar is not None else _draws(chain, whole, len(image))
        try:
            fits = chain.out_size(whole, draws[0]) == size
        except ValueError:
            continue
        if fits:
            operators = [ForwardOperator.of(chain, params) for params in draws]
            _check_that_nothing_is_drawn(operators, whole, len(image), draws_noise=draws_noise)
            return KnownDegradation(operators[0], whole)
    raise ValueError(
        f"an image of {size[1]}x{size[0]} pixels does not come of this degradation: tried were "
        f"{', '.join(f'{w}x{h}' for h, w in tried)}"
    )


def _read(path: Path, degradation: Any) -> Mapping[str, Any]:
    """A sidecar, or a file of the parameters of a degradation that is named."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} holds no known parameters: {error}") from error
    is_params = degradation is not None and isinstance(found, Mapping) and "degradation" not in found
    return found if is_params else read_sidecar(path)


def _chain_of(degradation: Any) -> tuple[Degradation[Any], tuple[float, ...]]:
    """The operator, and the scales by which it may shrink."""
    if isinstance(degradation, Degradation):
        return degradation, _SCALES
    if not isinstance(degradation, str):
        load_plugins()
        return Compose(steps=[dict(degradation)] if isinstance(degradation, Mapping) else list(degradation)), _SCALES
    preset = presets.load_preset(degradation)
    return preset.degradation, (preset.scale,)


def _params(chain: Degradation[Any], params: Any) -> Any:
    if not isinstance(params, Mapping):
        return params
    try:
        return chain.params_from_json(dict(params))
    except (KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise ValueError(f"these are not parameters of this degradation: {type(error).__name__} {error}") from error


def _draws(chain: Degradation[Any], size: Size, count: int) -> list[Any]:
    return [chain.sample(Frame(size, size), ImageRng([seed] * count)) for seed in _DRAWS]


def _check_that_nothing_is_drawn(
    operators: Sequence[ForwardOperator], size: Size, count: int, *, draws_noise: bool
) -> None:
    """Refuse a degradation that is another one at every draw, apart from noise of one level."""
    image = ImageRng([0] * count).uniform(3, *size)
    made = [operator(image) for operator in operators]
    levels = [operator.noise_level(image) for operator in operators]
    if any(not torch.allclose(one, made[0], atol=1e-5) for one in made[1:]):
        raise ValueError(
            "this degradation draws its parameters: say which this image had, by the sidecar that `cfmrestore degrade` "
            "wrote beside it (--known), or name a degradation that draws nothing"
        )
    if not draws_noise and any(not torch.allclose(one, levels[0]) for one in levels[1:]):
        raise ValueError("this degradation draws the level of its noise: give it (--noise-level)")
