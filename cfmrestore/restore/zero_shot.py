"""Zero-shot restoration: a known degradation is undone with a flow that was trained to generate alone."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cfmrestore.editing import Boundary
from cfmrestore.editing.boundary_edit import check_boundaries
from cfmrestore.flows import CouplingFlow, Restoration
from cfmrestore.guidance import HyperplaneGuidance
from cfmrestore.inverse import InverseSolver
from cfmrestore.registry import INVERSE_SOLVERS
from cfmrestore.restore.image_kinds import ColorAlpha, unpack
from cfmrestore.restore.known_degradation import KnownDegradation, known_degradation
from cfmrestore.restore.masks import mask_of
from cfmrestore.restore.progress import OnProgress, Progress
from cfmrestore.restore.restorer import device_of, precision_of
from cfmrestore.restore.settings import checked_tile
from cfmrestore.restore.stages import Stage, find_model, load_stages
from cfmrestore.restore.tile_fallback import TileFallback
from cfmrestore.restore.transparency import varies
from cfmrestore.typing import Size, Velocity

METHODS = {"flower": "Flower", "pnp-flow": "PnPFlow", "mmps": "MMPS"}
"""Short names of the methods, for command lines."""


class ZeroShotRestorer:
    """Restores images whose degradation is known, with a flow from noise; the same seed gives the same image.

    >>> restorer = ZeroShotRestorer.from_pretrained("work_dirs/photographs")  # doctest: +SKIP
    >>> sharp = restorer(image, "gaussian_blur", noise_level=0.01)  # doctest: +SKIP
    >>> large = restorer(image, "bicubic_x4")  # doctest: +SKIP
    >>> whole = restorer(image, mask=mask)  # doctest: +SKIP

    Args:
        flow: The flow, or a stage of one.
        method: How the inverse problem is solved: the name or config of a plugin of ``INVERSE_SOLVERS``.
        steps: Of the method, in place of its own number.
        device: "auto", "cpu", "cuda", "cuda:1" ...
        precision: Of the network, as for ``Restorer``.
        tile: Side of the network's tiles in pixels, "auto", or 0 for none.
    """

    def __init__(
        self,
        flow: CouplingFlow | Stage,
        *,
        method: str | Mapping[str, Any] | InverseSolver = "Flower",
        steps: int | None = None,
        device: str = "auto",
        precision: str = "auto",
        tile: int | str = "auto",
    ) -> None:
        stage = flow if isinstance(flow, Stage) else Stage(flow)
        self.flow, self.file, self.tile = stage.flow, stage.file, checked_tile(tile)
        self.method = method_of(method, steps)
        self.device = device_of(device)
        self.dtype = precision_of(precision, self.device)
        self.flow.eval().requires_grad_(False).to(self.device)
        self.tiles = TileFallback(self.flow, self.device)

    @classmethod
    def from_pretrained(
        cls,
        path: str | Path,
        *,
        revision: str | None = None,
        token: str | None = None,
        cache_dir: str | Path | None = None,
        **keys: Any,
    ) -> "ZeroShotRestorer":
        """From a checkpoint, a work directory or ``org/name`` of a hub, as ``Restorer``; ``keys`` are of the class."""
        stages = load_stages(find_model(path, revision=revision, token=token, cache_dir=cache_dir))
        if len(stages) > 1:
            raise ValueError(f"{str(path)!r} is a chain of {len(stages)} models; a degradation is undone with one")
        return cls(stages[0], **keys)

    def __call__(
        self,
        image: Any,
        degradation: Any = None,
        *,
        known: Any = None,
        mask: Any = None,
        noise_level: float | None = None,
        label: int | None = None,
        guidance: float | Mapping[str, float] | None = None,
        boundary: Boundary | None = None,
        toward: float | None = None,
        seed: int = 0,
        on_progress: OnProgress | None = None,
    ) -> Any:
        """Restore an image, or a batch, of any kind that ``Restorer`` takes; the result is of the same kind.

        Args:
            image: What was degraded.
            degradation, known, noise_level: How, as for ``known_degradation``; or what ``known`` found.
            mask: Of inpainting, in their place: an image of the same size, white in the holes.
            label: Class of the image, where the flow is told one.
            guidance: Scale of classifier-free guidance.
            boundary: Of an attribute, in the data: as far as the input leaves it open, the result goes
            toward: this distance from it, in standard deviations.
            seed: Another one draws another image that explains this one.
            on_progress: Called with the done part, from 0 to 1.
        """
        planes, pack = unpack(image)
        low, how = planes.color, degradation
        if not isinstance(how, KnownDegradation):
            how = _known(planes, degradation, known, mask, noise_level)
        given = {} if label is None else {"label": torch.full((len(low),), label)}
        lead = self._lead(boundary, toward, how.size)
        color = self.solve(low, how, [seed] * len(low), given, guidance, on_progress, lead=lead).image.float().cpu()
        alpha = None if planes.alpha is None else planes.alpha[..., :1, :1].expand(-1, -1, *color.shape[-2:])
        is_flat = getattr(image, "ndim", 3) == 2  # an array of one channel stays one
        return pack(ColorAlpha(color, alpha, planes.gray and (is_flat or not _is_colored(color))))

    def known(
        self,
        image: Any,
        degradation: Any = None,
        *,
        known: Any = None,
        mask: Any = None,
        noise_level: float | None = None,
    ) -> KnownDegradation:
        """What made an image, and of which size it will be; a call takes it as its degradation."""
        return _known(unpack(image)[0], degradation, known, mask, noise_level)

    def solve(
        self,
        low: Tensor,
        how: KnownDegradation,
        seeds: list[int],
        given: Mapping[str, Tensor] | None = None,
        guidance: float | Mapping[str, float] | None = None,
        on_progress: OnProgress | None = None,
        *,
        lead: Callable[[Velocity], Velocity] | None = None,
    ) -> Restoration:
        """A batch of RGB images in [0, 1], a seed each; with the evaluations that it took.

        ``lead`` is guidance of one's own, as of the flow's ``Pipeline``.
        """
        flow, progress = self.flow, Progress(on_progress)
        progress.at(0, 1)
        sampling = flow.sampling if guidance is None else replace(flow.sampling, guidance=guidance)
        placed = {key: value.to(self.device) for key, value in (given or {}).items()}
        for attempt in self.tiles.attempts(
            self._latent_size(how.size),
            tile=0 if self.tile == "auto" and self.method.needs_gradient else self.tile,
            batch=len(low),
            evaluations=self.method.nfe,
            progress=progress,
        ):
            with attempt as tiling:  # of the network: the degradation is always undone on the whole image
                execution = flow.execution(dtype=self.dtype, tiling=tiling, on_evaluation=progress.step)
                pipeline = replace(flow.pipeline(sampling, execution), lead=lead)
                done = pipeline.solve(
                    self.method, low.to(self.device), how.operator, how.size, torch.tensor(seeds), placed
                )
                progress.finish()
                return done
        raise AssertionError("attempts end by a result or an error")

    def _lead(
        self, boundary: Boundary | None, toward: float | None, size: Size
    ) -> Callable[[Velocity], Velocity] | None:
        """What moves the data that is expected to a distance from a boundary."""
        if boundary is None and toward is None:
            return None
        if boundary is None or toward is None:
            raise ValueError("a restoration goes along a boundary, toward a distance from it: give both or neither")
        check_boundaries(self.flow, [boundary])
        if boundary.time < 1 or boundary.space != "latent":
            raise ValueError(
                f"a restoration goes along a boundary of the data; that of {boundary.attribute!r} lies in the "
                f"{boundary.space} at time {boundary.time:g}: fit one with --time 1"
            )
        boundary.check(torch.empty(1, self.flow.encoder.channels, *self._latent_size(size), device="meta"))
        plane = {name: getattr(boundary, name) for name in ("normal", "direction", "intercept")}
        return partial(HyperplaneGuidance, path=self.flow.path, target=toward * boundary.std, share=1.0, **plane)

    def _latent_size(self, size: Size) -> Size:
        factor = self.flow.encoder.downscale
        return -(-size[0] // factor), -(-size[1] // factor)


def _known(planes: ColorAlpha, degradation: Any, known: Any, mask: Any, noise_level: float | None) -> KnownDegradation:
    """What made an image, of its planes."""
    if varies(planes.alpha):
        raise ValueError("an image with transparency has no known degradation: flatten it first (--background white)")
    holes = None if mask is None else mask_of(mask, planes.color)
    return known_degradation(planes.color, degradation, known=known, mask=holes, noise_level=noise_level)


def method_of(method: str | Mapping[str, Any] | InverseSolver, steps: int | None = None) -> InverseSolver:
    """A method by its name, short name or config."""
    if isinstance(method, InverseSolver):
        if steps is not None:
            raise ValueError("a method that is built has its steps already")
        return method
    config = {"type": METHODS.get(method, method)} if isinstance(method, str) else dict(method)
    built = INVERSE_SOLVERS.build(config if steps is None else {**config, "steps": steps})
    assert isinstance(built, InverseSolver)
    return built


def _is_colored(color: Tensor) -> bool:
    """Whether a gray image has become one in color."""
    return bool((color.amax(dim=1) - color.amin(dim=1) > 2 / 255).any())
