"""Restoring images of any kind and size with a trained flow, or a chain of them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cfmrestore import model_zoo
from cfmrestore.engine.distributed import device_of_process
from cfmrestore.execution import CudaGraphs
from cfmrestore.execution.backends import BACKENDS, Backend
from cfmrestore.execution.precision import PRECISIONS, best_precision
from cfmrestore.flows.coupling_flow import CouplingFlow
from cfmrestore.flows.pipeline import match_to_input
from cfmrestore.ops.pad import crop_to
from cfmrestore.ops.resize import resize
from cfmrestore.ops.rng import mix
from cfmrestore.ops.symmetries import ORDER, turned, turned_back
from cfmrestore.restore import tile_planner, transparency
from cfmrestore.restore.image_kinds import ColorAlpha, unpack
from cfmrestore.restore.masks import mask_of
from cfmrestore.restore.progress import OnProgress, Progress
from cfmrestore.restore.scale_passes import Pass, passes, target_size
from cfmrestore.restore.settings import Settings
from cfmrestore.restore.spread import Spread
from cfmrestore.restore.stage_runner import StageRunner
from cfmrestore.restore.stages import Stage, find_model, load_stages
from cfmrestore.typing import Image


@dataclass(frozen=True)
class Samples:
    """Several restorations of one image, and how much they differ.

    Args:
        images: As many as were asked for, of the kind that was given; number i is what the seed plus i gives alone.
        spread: Standard deviation over them, in levels of 255, the root of the mean variance of the colors: (h, w).
            Where it is large the model invents.
        nfe: Evaluations of all networks.
    """

    images: list[Any]
    spread: Any
    nfe: int


class Restorer:
    """Restores images of any size and kind; the same seed gives the same image.

    >>> restorer = Restorer.from_pretrained("cfm-x4")  # doctest: +SKIP
    >>> restorer(image, scale=4, seed=0)  # doctest: +SKIP

    Args:
        stages: One flow, or a chain of them.
        device: "auto", "cpu", "cuda", "cuda:1" ...
        precision: Of the network: "fp32", "bf16", "fp16", or "auto", which is float32 on a CPU, so that all CPUs give
            one picture, and the fastest that a GPU has. All else, and what overflows in float16, is done in
            float32.
        backend: What evaluates the network: "torch", "compiled" (by torch's compiler), "onnxruntime" or "openvino".
            All but torch round otherwise from machine to machine; a picture differs by less than half a level.
        cuda_graphs: Record evaluations of the networks, a size once, and replay them: for small tiles on a GPU.
    """

    def __init__(
        self,
        stages: CouplingFlow | Sequence[Stage],
        *,
        device: str = "auto",
        precision: str = "auto",
        backend: str = "torch",
        cuda_graphs: bool = False,
    ) -> None:
        self.stages = [Stage(stages)] if isinstance(stages, CouplingFlow) else list(stages)
        self.device = device_of(device)
        self.dtype = precision_of(precision, self.device)
        self.backend = backend_of(backend, self.device, self.dtype)
        for stage in self.stages:
            stage.flow.eval().requires_grad_(False).to(self.device)
        if cuda_graphs and self.device.type != "cuda":
            raise ValueError(f"CUDA graphs are a GPU's, and these networks run on {self.device}: leave cuda_graphs out")
        if cuda_graphs and backend != "torch":
            raise ValueError(f"cuda_graphs are of torch, and {backend} evaluates the network: leave one out")
        graphs = CudaGraphs() if cuda_graphs else None
        self.runners = [StageRunner(stage, self.device, self.dtype, graphs, self.backend) for stage in self.stages]

    @classmethod
    def from_pretrained(
        cls,
        path: str | Path,
        *,
        device: str = "auto",
        precision: str = "auto",
        backend: str = "torch",
        cuda_graphs: bool = False,
        encoder: dict[str, Any] | None = None,
        revision: str | None = None,
        token: str | None = None,
        cache_dir: str | Path | None = None,
    ) -> "Restorer":
        """From what training leaves behind.

        Args:
            path: A checkpoint (``.safetensors``, ``.pth``), a work directory for its newest one, a config that chains
                several (``stages = [...]``), the folder of a published model, the name of one that comes with the
                package, or a repository of a hub: ``org/name`` or ``org/name@revision``.
            device, precision, backend, cuda_graphs: As of the class.
            encoder: Keys of the encoder to change: where its weights lie, ``dict(path=...)``.
            revision, token, cache_dir: Of the repository, as for ``find_model``.
        """
        file = find_model(path, revision=revision, token=token, cache_dir=cache_dir)
        how: dict[str, Any] = {"backend": backend, "cuda_graphs": cuda_graphs}
        return cls(load_stages(file, encoder), device=device, precision=precision, **how)

    @staticmethod
    def bundled_models() -> tuple[str, ...]:
        """Names of the models that come with the package, for ``from_pretrained``."""
        return tuple(model_zoo.cards())

    def __repr__(self) -> str:
        names = [type(stage.flow).__name__ if stage.file is None else stage.file.stem for stage in self.stages]
        return f"Restorer({', '.join(names)}: x{self.scale}, {self.device}, {str(self.dtype).removeprefix('torch.')})"

    @property
    def flow(self) -> CouplingFlow:
        """The first flow."""
        return self.stages[0].flow

    @property
    def scale(self) -> int:
        """Pixels of the result a pixel of the input, that the model was trained for."""
        return math.prod(stage.flow.coupling.scale for stage in self.stages)

    @property
    def needs(self) -> frozenset[str]:
        """What must be given beside the image: a "mask" where the model inpaints."""
        conditions = [part for stage in self.stages for part in stage.flow.conditions.parts]
        return frozenset(name for part in conditions for name in part.needs) - {"low"}

    def nfe(self, settings: Settings) -> int | None:
        """Number of function evaluations at the models' own scale; None where a solver's own error decides."""
        each = [stage.flow.nfe(stage.sampling(settings)) for stage in self.stages]
        return None if None in each else sum(nfe for nfe in each if nfe is not None)

    def __call__(self, image: Any, *, mask: Any = None, on_progress: OnProgress | None = None, **settings: Any) -> Any:
        """Restore an image, a batch or a list of images; the result is of the same kind.

        Args:
            image: A PIL image, a ``Picture``, the path of a file (of which a PIL image is made, or a ``Picture`` if it
                has 16 bits and color), an array (h, w), (h, w, c) or (n, h, w, c), a tensor (c, h, w) or (n, c, h, w),
                of uint8, uint16 or floats in [0, 1], gray or in color, with or without alpha; or a list.
            mask: Of inpainting, an image of the same size that is white in the holes; by a model of ``Inpaint``.
            on_progress: Called after each evaluation of a tile with the done part, from 0 to 1; what it raises ends the
                restoration.
            settings: The keywords of ``Settings``.
        """
        chosen = Settings.of(settings)
        if isinstance(image, list | tuple):
            if mask is not None:
                raise ValueError("a mask belongs to one image, or to one batch: give them one by one")
            count = len(image)
            return [self.restore(item, chosen, _part(on_progress, i, count))[0] for i, item in enumerate(image)]
        return self.restore(image, chosen, on_progress, mask)[0]

    def sample(
        self, image: Any, *, count: int = 4, mask: Any = None, on_progress: OnProgress | None = None, **settings: Any
    ) -> Samples:
        """Restore an image several times, from seed, seed + 1 ..., and tell where the results differ."""
        if count < 2 or isinstance(image, list | tuple):
            raise ValueError(
                f"a spread needs two samples or more of one image; got {count} of a {type(image).__name__}"
            )
        if getattr(image, "ndim", 3) == 4 and len(image) > 1:
            raise ValueError(f"a spread is of one image; got a batch of {len(image)}: give them one by one")
        chosen = Settings.of(settings)
        spread, images, total_nfe = Spread(), [], 0
        for index in range(count):
            numbered = replace(chosen, seed=chosen.seed + index)
            restored, planes, nfe = self.restore(image, numbered, _part(on_progress, index, count), mask)
            images.append(restored)
            spread.add(planes.color)
            total_nfe += nfe
        return Samples(images, spread.levels(), total_nfe)

    def restore(
        self, image: Any, settings: Settings, on_progress: OnProgress | None = None, mask: Any = None
    ) -> tuple[Any, ColorAlpha, int]:
        """An image of the same kind, its color and alpha as tensors, and the evaluations."""
        planes, pack = unpack(image)
        low, alpha, progress = planes.color, planes.alpha, Progress(on_progress)
        progress.rounds = ORDER if settings.self_ensemble else 1
        given = {} if mask is None else {"mask": mask_of(mask, low)}
        if alpha is not None and transparency.varies(alpha):
            progress.rounds *= 2
            seen = transparency.extended(low, alpha)
            color, nfe = self.images(seen, settings, progress=progress, given=given)
            if "mask" in given:  # hardly visible colors beside the holes, too
                color = torch.where(given["mask"] < 0.5, low, color)
            edges = alpha.expand(-1, 3, -1, -1)
            edges, more = self.images(edges, replace(settings, color="none"), progress=progress, given=given)
            alpha = transparency.bounded(edges.mean(dim=1, keepdim=True), alpha)
            color, nfe = transparency.with_hidden(color, alpha, low), nfe + more
        else:
            color, nfe = self.images(low, settings, progress=progress, given=given)
            alpha = None if alpha is None else alpha[..., :1, :1].expand(-1, -1, *color.shape[-2:])
        progress.finish()
        restored = ColorAlpha(color, alpha, planes.gray)
        return pack(restored), restored, nfe

    @torch.no_grad()
    def images(
        self,
        low: Tensor,
        settings: Settings,
        seeds: Sequence[int] | None = None,
        progress: Progress | None = None,
        *,
        is_latent: bool = False,
        given: Mapping[str, Tensor] | None = None,
    ) -> tuple[Image, int]:
        """Restore a batch of RGB images in [0, 1], or of small latents by the models' own scale; and count evaluations.

        Args:
            low: The images (b, 3, h, w), or latents.
            settings: How to restore.
            seeds: One an image, in place of the settings' seed for all.
            progress: Where progress goes.
            is_latent: Whether latents are given.
            given: What the model's conditions need beside the images, such as a mask.
        """
        if settings.self_ensemble:
            if is_latent:
                raise ValueError("latents are not turned as images are: leave self_ensemble out")
            return self._self_ensemble(low, settings, seeds, progress, given or {})
        self._check_given(given or {}, settings)
        progress, seeds = progress or Progress(None), list(seeds or [settings.seed] * len(low))
        image, from_latents, nfe = low, is_latent, 0
        runs = [Pass()] if is_latent else self._passes(low, settings)
        for index, run in enumerate(runs):
            if run.before != 1:
                image = resize(image, scale=run.before).clamp_(0, 1)
            progress.at(index, len(runs))
            for number, runner in enumerate(self.runners):
                progress.stage(number, len(self.runners))
                start = torch.tensor([_seed_of(seed, index, number) for seed in seeds])
                restored = runner.run(image, start, settings, progress, is_latent=is_latent, given=given)
                nfe += restored.nfe
                is_latent = runner.stage.output == "latents" and number + 1 < len(self.runners)
                image = restored.latent if is_latent else restored.image
            image = _finite(image)
            if run.after != 1:
                image = resize(image, scale=run.after).clamp_(0, 1)
        mask = (given or {}).get("mask")
        return self._matched(image, low, settings, from_latents, mask), nfe

    def _self_ensemble(
        self,
        low: Image,
        settings: Settings,
        seeds: Sequence[int] | None,
        progress: Progress | None,
        given: Mapping[str, Tensor],
    ) -> tuple[Image, int]:
        r"""The mean over the symmetries g of the square, :math:`\frac18 \sum_g g^{-1} f(g y)`, and all evaluations.

        A mean of what the input may come from turns as its input does; that of a network does so nearly. The rest is
        error, of which the mean has less.

        Reference: Timofte et al., 2016, Seven ways to improve example-based single image super resolution
        (arXiv:1511.02228).
        """
        single, images, nfe = replace(settings, self_ensemble=None), [], 0
        for symmetry in range(ORDER):
            here = {name: turned(one, symmetry) for name, one in given.items()}
            image, more = self.images(turned(low, symmetry), single, seeds, progress, given=here)
            images.append(turned_back(image, symmetry))
            nfe += more
        return torch.stack(images).mean(dim=0), nfe

    def lift(
        self, latent: Tensor, seeds: Sequence[int], *, on_progress: OnProgress | None = None, **settings: Any
    ) -> Tensor:
        """The images of small latents, lifted by the flow's own scale: (b, 3, h, w) in [0, 1]."""
        chosen, progress = Settings.of(settings), Progress(on_progress)
        if chosen.scale not in (None, self.scale):
            raise ValueError(f"latents are lifted by the model's own scale, {self.scale}; got {chosen.scale}")
        image, _ = self.images(latent, chosen, seeds, progress, is_latent=True)
        progress.finish()
        return image

    def check(self, settings: Settings) -> None:
        """Refuse settings by which no image can be restored."""
        scale = settings.scale or self.scale
        if not any(stage.sampling(settings).consistency for stage in self.stages):
            return
        if scale == 1:
            raise ValueError(
                "consistency needs a model that enlarges, and a scale above 1: at scale 1 the result would be the input"
            )
        if scale != int(scale):
            raise ValueError(f"consistency is for whole scales; got {scale:g}: leave one of both out")

    def _passes(self, low: Image, settings: Settings) -> list[Pass]:
        """The runs that reach the scale, if the memory holds what they make."""
        self.check(settings)
        scale, space = settings.scale or self.scale, self.stages[-1].flow.encoder
        runs = passes(scale, self.scale)
        largest = target_size((low.shape[-2], low.shape[-1]), scale / runs[-1].after)
        tile_planner.check_room(largest, len(low), space.channels, space.downscale)
        return runs

    def _check_given(self, given: Mapping[str, Tensor], settings: Settings) -> None:
        """Refuse what the models do not take, or lack, and models that are told no input."""
        flows = [stage.flow for stage in self.stages]
        if any(not flow.coupling.needs_input and not flow.conditions.tells_input for flow in flows):
            raise ValueError(
                "this model draws images from noise, whatever the input: it can undo a degradation that is known "
                "(--degradation, --known or --mask; ZeroShotRestorer)"
            )
        if "mask" in given and "mask" not in self.needs:
            raise ValueError(
                f"this model does not inpaint: a mask needs one of the condition Inpaint, and {model_zoo.INPAINTING}"
            )
        if missing := sorted(self.needs - given.keys()):
            raise ValueError(f"this model needs a {' and a '.join(missing)} beside the image")
        if "mask" in given and (len(self.stages) > 1 or self.scale != 1 or settings.scale not in (None, 1)):
            raise ValueError("inpainting is by one model, at the scale 1")

    def _matched(
        self, image: Image, low: Tensor, settings: Settings, is_latent: bool, mask: Tensor | None = None
    ) -> Image:
        """At its size, with the input's colors as the first stage has it, and consistent where any stage is."""
        scale, sampling = settings.scale or self.scale, [stage.sampling(settings) for stage in self.stages]
        color, consistency = sampling[0].color, any(one.consistency for one in sampling)
        if not is_latent:
            image = crop_to(image, target_size((low.shape[-2], low.shape[-1]), scale))
        if color == "none" and not consistency and mask is None:
            return image
        if is_latent:
            low = self.flow.pipeline().decode(low.to(self.device)).cpu()
        return match_to_input(image, low, scale, color=color, consistency=consistency, mask=mask)


def _seed_of(seed: int, run: int, stage: int) -> int:
    """The seed of a stage of a run: the first of both has the image's own."""
    seed = seed if run == 0 else mix(seed, run)
    return seed if stage == 0 else mix(seed, -stage)


def _finite(image: Tensor) -> Image:
    image = image.float().cpu()
    if not bool(image.isfinite().all()):
        raise ValueError("the model gives NaN for this image: its checkpoint may be damaged")
    return image


def _part(on_progress: OnProgress | None, index: int, count: int) -> OnProgress | None:
    return on_progress and (lambda done: on_progress((index + done) / count))


def precision_of(name: str, device: torch.device) -> torch.dtype:
    """The precision of that name; "auto" is float32 on a CPU and the fastest that a GPU has."""
    own = best_precision(device.type) if device.type == "cuda" else "fp32"
    chosen = own if name == "auto" else name
    if chosen not in PRECISIONS:
        raise ValueError(f"unknown precision {name!r}; known are auto, {', '.join(PRECISIONS)}")
    return PRECISIONS[chosen]


def backend_of(name: str, device: torch.device, dtype: torch.dtype) -> Backend:
    """The backend of that name."""
    if name not in BACKENDS:
        raise ValueError(f"unknown backend {name!r}; known are {', '.join(BACKENDS)}")
    return BACKENDS[name](device, dtype)


def device_of(name: str) -> torch.device:
    """The device of that name; "auto" is this process's GPU where there is one."""
    try:
        device = torch.device(device_of_process(name))
    except RuntimeError as error:
        raise ValueError(f"unknown device {name!r}; take auto, cpu or cuda") from error
    if device.type not in ("cpu", "cuda"):  # schedules and grids are in float64, which mps does not have
        raise ValueError(f"the device {name!r} is not supported; take auto, cpu or cuda")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device {name!r}: there is no CUDA device here")
    return device
