"""Coupled flow matching: what is trained, and on what."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from cfmrestore.conditions import ConditionInputs, ConditionStack
from cfmrestore.couplings.base import Coupling
from cfmrestore.encoders.base import Encoder
from cfmrestore.flows.losses.base import Loss, Prediction
from cfmrestore.flows.pipeline import Restoration
from cfmrestore.flows.sampling import Sampling
from cfmrestore.flows.sampling_flow import SamplingFlow
from cfmrestore.flows.teacher import Teacher
from cfmrestore.flows.times.base import TimeSampler
from cfmrestore.former_names import update_keys
from cfmrestore.networks.base import TOLD, check_conditioning
from cfmrestore.ops.pad import crop_to
from cfmrestore.ops.rng import ImageRng
from cfmrestore.paths.base import Path
from cfmrestore.plugins import broken
from cfmrestore.registry import (
    CONDITIONS,
    COUPLINGS,
    ENCODERS,
    LOSSES,
    MODELS,
    NETWORKS,
    PATHS,
    TIME_SAMPLERS,
    check_keys,
)
from cfmrestore.typing import Conditioning, Image, Latent, Pair, Size, Velocity

Config = dict[str, Any]
GIVEN = ("label", "mask", "map")
"""Inputs of a batch that are there for conditions."""


@dataclass(frozen=True)
class Point:
    """Where the network is asked in training: x_t at t, the velocity there, what it is told, and from what."""

    x_t: Tensor
    dx_t: Tensor
    t: Tensor
    conditioning: Conditioning
    pair: Pair
    inputs: ConditionInputs
    rng: ImageRng


@MODELS.register_module()
class CouplingFlow(SamplingFlow):
    r"""A velocity network between the ends that a coupling draws, told what its conditions say.

    .. math:: L = E_{x_0, x_1, t} \| v(x_t, t, c) - \dot{x}_t \|^2, \qquad x_t = \alpha_t x_1 + \sigma_t x_0

    The encoder is frozen and no part of the state: a checkpoint holds what was trained.

    Args:
        encoder: The space of the flow; or one that is built.
        coupling: Which start belongs to which end.
        conditions: What the network is told beside x and t; by default what the coupling's kind needs: its input.
        network: What predicts the velocity; its channels follow from encoder and conditions.
        path: The curve between the ends.
        times: Which times are trained.
        loss: One loss, or several whose weighted sum counts.
        sampling: Solver, grid and number of intervals at test time.
        teacher: A trained flow whose velocity is learned in place of that of the training paths: keys of ``Teacher``.
        scale: Pixels of the target a pixel of the input.
        image_size: Side of the images that are generated, unless another one is asked for.
        compile: Compile network, encoder and decoder with torch.compile, by their blocks.
        channels_last: Keep the network's tensors in the channels-last layout.
        ceiling: In evaluation, encode and decode the target beside the restoration: the best that this space can do.
        data_preprocessor: What makes batches, and low-quality images.
    """

    def __init__(
        self,
        *,
        encoder: Config | Encoder,
        coupling: Config,
        network: Config,
        conditions: list[Config] | None = None,
        path: Config | None = None,
        times: Config | None = None,
        loss: Config | list[Config] | None = None,
        sampling: Config | None = None,
        teacher: Config | None = None,
        scale: int = 4,
        image_size: int | None = None,
        compile: bool = False,
        channels_last: bool = False,
        ceiling: bool = False,
        data_preprocessor: Config | None = None,
    ) -> None:
        super().__init__(data_preprocessor=MODELS.build(data_preprocessor or {"type": "RestorationPreprocessor"}))
        space: Encoder = ENCODERS.build(encoder)
        start: Coupling = COUPLINGS.build(coupling, default_args={"encoder": space, "scale": scale})
        latent = {"latent_channels": space.channels, "downscale": space.downscale}
        told = start.conditions if conditions is None else conditions
        stack = ConditionStack([CONDITIONS.build(dict(one), default_args=latent) for one in told])
        self.path: Path = PATHS.build(path or {"type": "Linear"})
        offers = {
            "path": self.path,
            "channels": space.channels,
            "context_channels": stack.context_channels,
            "embedding_channels": stack.embedding_channels,
            "noise_level": stack.noise_level,
        }
        self.network: nn.Module = NETWORKS.build(network, default_args=offers)
        check_conditioning(self.network, {key: offers[key] for key in TOLD})
        self.coupling = start  # behind the network, as optimizers of stored trainings count parameters
        self.conditions = stack
        self.times: TimeSampler = TIME_SAMPLERS.build(times or {"type": "Uniform"})
        losses = loss if isinstance(loss, list | tuple) else [loss or {"type": "MSE"}]
        self.losses: list[Loss] = [LOSSES.build(one) for one in losses]
        self._loss_names = _numbered([f"loss_{type(one).__name__.lower()}" for one in self.losses])
        sampling = update_keys(sampling or {}, "sampling")
        check_keys(Sampling, sampling, "sampling: ")
        self.sampling = Sampling(**sampling)
        self._check_losses(has_teacher=teacher is not None)
        self._teacher_config = teacher
        self._teacher: list[Teacher] = []  # not registered: it is neither trained nor saved
        self.ceiling, self.image_size = ceiling, image_size
        self.layout = torch.channels_last if channels_last else torch.contiguous_format
        if channels_last:
            self.network.to(memory_format=torch.channels_last)
        # A tuple, so that torch does not see modules in it: frozen parts are neither trained nor saved.
        self._frozen = (space, *(one.frozen for one in self.losses if one.frozen is not None))
        if compile:
            self.compile_parts()

    def data_recipe(self) -> dict[str, Any]:
        """What decides which latents belong to a photograph, as plain data; "input" says what is encoded of the input.

        "input" is None where there is none, and else "low", the input itself, or how it is enlarged before.
        """
        takes_input = self.coupling.needs_input or self.data_preprocessor.makes_inputs or self.conditions.tells_input
        how = "low" if self.coupling.lifts_latents else self.coupling.upsample
        made = {"encoder": self.encoder.digest(), "scale": self.coupling.scale, "input": how if takes_input else None}
        plain: dict[str, Any] = json.loads(json.dumps(made | self.data_preprocessor.recipe, default=repr))
        return plain

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "CouplingFlow":
        super()._apply(fn, recurse)
        for module in (*self._frozen, *self._teacher):
            module._apply(fn)
        return self

    def init_weights(self) -> None:
        """What the runner calls before a training begins."""
        super().init_weights()
        self.coupling.begin_training()

    def forward(
        self,
        inputs: dict[str, Tensor],
        data_samples: list[dict[str, Any]] | None = None,
        mode: str = "tensor",
        *,
        sampling: Sampling | None = None,
        ceiling: bool | None = None,
    ) -> Any:
        """mmengine's contract: "loss" for training, "predict" for evaluation, "tensor" for the images.

        Sampling and ceiling stand in place of the model's own.
        """
        inputs = self._completed(inputs)
        if mode == "loss":
            return self.loss(**inputs)
        began = time.perf_counter()
        given = {key: value for key, value in inputs.items() if key in GIVEN}
        with torch.no_grad():
            if "low" in inputs:
                restored = self.restore(inputs["low"], inputs["seeds"], sampling, given=given)
            else:
                restored = self.generate(size_of(inputs, self.encoder), inputs["seeds"], sampling, given=given)
        if mode == "tensor":
            return restored.image
        if mode == "predict":
            if restored.image.is_cuda:
                torch.cuda.synchronize()
            seconds = (time.perf_counter() - began) / len(restored.image)
            samples = [{**sample, "seconds": seconds} for sample in data_samples or [{}] * len(inputs["seeds"])]
            return self._results(inputs, samples, restored, self.ceiling if ceiling is None else ceiling)
        raise ValueError(f"unknown mode {mode!r}; known are loss, predict, tensor")

    def _completed(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """The picture of a latent that the data gives as target, and its degradation."""
        is_whole = "latent" not in inputs or "high" in inputs or "start" in inputs
        if is_whole or not self.data_preprocessor.makes_inputs:
            return inputs
        with torch.no_grad(), torch.autocast(inputs["latent"].device.type, enabled=False):
            high = self.encoder.decode(inputs["latent"]).clamp(0, 1)
            return {**inputs, **self.data_preprocessor.degraded(high, inputs["seeds"])}

    def draw(
        self,
        seeds: Tensor,
        numbers: Tensor,
        high: Image | None = None,
        low: Image | None = None,
        latent: Latent | None = None,
        start: Latent | None = None,
        high_moments: Tensor | None = None,
        low_moments: Tensor | None = None,
        lifted_moments: Tensor | None = None,
        **given: Tensor,
    ) -> Point:
        """A point of a training path, with what the network is told there and should answer.

        Args:
            seeds: One an image.
            numbers: Place of each image in the stream of training.
            high: The targets.
            low: The inputs, where there are any.
            latent: The targets as latents, in place of ``high``.
            start: The starts of the paths, in place of those that the coupling draws.
            high_moments: What the encoder says of the targets, in place of ``high``.
            low_moments: What it says of the inputs, in place of ``low``, for a coupling that enlarges latents.
            lifted_moments: What it says of the enlarged inputs, for the other couplings.
            given: What else conditions need.
        """
        moments = low_moments if self.coupling.lifts_latents else lifted_moments
        if low is None and moments is None and self.coupling.needs_input:
            raise ValueError(
                "the dataset has no low-quality images and the preprocessor no degradation: give "
                "data_preprocessor a degradation, or take a PairedFolder"
            )
        rng, execution = ImageRng(seeds).fork("flow"), self.execution()
        with torch.autocast(execution.device.type, enabled=False):
            with torch.no_grad():
                low = None if low is None else self.conditions.prepare(low, given)
                if high_moments is not None:
                    latent = self.encoder.sample(high_moments, rng.fork("encode"))
                lowres = None if moments is None else self.coupling.lifted_moments(moments, rng)
                pair = self.coupling.pair(high, low, rng, latent, x_0=start, lowres=lowres, execution=execution)
                t = self.times(rng, numbers).to(pair.x_1, non_blocking=True)
                if t.shape != numbers.shape:
                    raise broken(self.times, "time sampler", f"of {len(numbers)} images it draws {tuple(t.shape)}")
                x_t, dx_t = self.path.sample(pair.source.x_0, pair.x_1, t)
            given = given if low is None else {"low": low, **given}
            inputs = ConditionInputs(
                pair.source, given, lambda images, stream: self.encoder.encode(images, rng.fork(stream))
            )
            told = self.conditions.embed_with_dropout(inputs, rng)
        conditioning = {name: self._laid_out(value) if value.dim() == 4 else value for name, value in told.items()}
        return Point(self._laid_out(x_t), self._laid_out(dx_t), t, conditioning, pair, inputs, rng)

    def _laid_out(self, x: Tensor) -> Tensor:
        return x.contiguous(memory_format=self.layout)

    def loss(self, *, peer: Image | None = None, **inputs: Tensor) -> dict[str, Tensor]:
        """The losses of one batch, by name; the inputs are those of ``draw``, and what another model makes of them."""
        point = self.draw(**inputs)
        device = point.x_t.device.type
        precision, reduced = torch.get_autocast_dtype(device), torch.is_autocast_enabled(device)

        def network(x: Tensor, t: Tensor, r: Tensor | None = None, *, images: Tensor | None = None) -> Tensor:
            told = point.conditioning
            if images is not None:
                told = {key: value[images] for key, value in told.items()}
            elif len(x) != len(point.x_t):
                told = {
                    key: value.repeat(len(x) // len(value), *[1] * (value.dim() - 1)) for key, value in told.items()
                }
            if r is not None:
                told = {**told, "duration": r - t}
            with torch.autocast(device, precision, reduced):
                v: Tensor = self.network(self._laid_out(x), t, **told)
            if v.shape != x.shape:
                raise broken(self.network, "network", f"of x {tuple(x.shape)} it makes v {tuple(v.shape)}")
            return v.to(torch.promote_types(x.dtype, torch.float32))

        teacher = self._teach(point)
        with torch.autocast(device, enabled=False):
            prediction = Prediction(
                network, point.x_t, point.t, point.pair, self.path, point.rng, inputs.get("high"),
                self.encoder.decode, teacher, getattr(self.network, "flow_map", False), inputs.get("label"), peer,
            )  # fmt: skip
            weighted = [loss.weight * _mean(loss, prediction) for loss in self.losses]
        return dict(zip(self._loss_names, weighted, strict=True))

    def load_teacher(self) -> None:
        """Read the teacher's weights, if there is one, into a copy of the network; done once."""
        if self._teacher_config is not None and not self._teacher:
            teacher = Teacher(self.network, self.conditions, **self._teacher_config)
            teacher.to(memory_format=self.layout)  # type: ignore[call-overload]
            self._teacher.append(teacher)

    def _teach(self, point: Point) -> Velocity | None:
        """The teacher's velocity on a batch."""
        if self._teacher_config is None:
            return None
        if not self._teacher:
            self.load_teacher()
            self._teacher[0].to(point.x_t.device)
        return self._teacher[0].velocity(point.inputs, point.rng, self.layout)

    def _check_losses(self, *, has_teacher: bool) -> None:
        for loss in self.losses:
            if not isinstance(loss, Loss):  # a text, where a shell took the quotes
                raise ValueError(f"a loss is a dict(type=...); got {loss!r}")
            name = type(loss).__name__
            if loss.needs_flow_map and not getattr(self.network, "flow_map", False):
                raise ValueError(f"the loss {name} is of flow maps: give model.network flow_map=True")
            if loss.needs_teacher and not has_teacher:
                raise ValueError(f"the loss {name} learns from a trained flow: give model.teacher its weights")

    def _results(
        self, inputs: dict[str, Tensor], data_samples: list[dict[str, Any]], restored: Restoration, ceiling: bool
    ) -> list[dict[str, Any]]:
        results = []
        encoded = self.reconstruct(inputs["high"], inputs["seeds"]) if ceiling and "high" in inputs else None
        for index, sample in enumerate(data_samples):
            result = {
                **sample,
                "nfe": restored.nfe,
                **{key: inputs[key][index].cpu() for key in GIVEN if key in inputs},
            }
            if "low" in inputs:
                result |= {"scale": self.coupling.scale, "low": inputs["low"][index].cpu()}
            image = restored.image[index].cpu()
            if "high" in inputs:
                result["target"] = inputs["high"][index].cpu()
                image = crop_to(image, (result["target"].shape[-2], result["target"].shape[-1]))
            if encoded is not None:
                result["encoder"] = encoded[index].cpu()
            results.append({**result, "restored": image})
        return results


def size_of(inputs: Mapping[str, Tensor], encoder: Encoder) -> Size:
    """The size of what is to be generated: that of the target, of the map, or of a latent, or what is asked for."""
    for key, factor in (("high", 1), ("map", 1), ("latent", encoder.downscale)):
        if key in inputs:
            return factor * inputs[key].shape[-2], factor * inputs[key].shape[-1]
    sizes = {tuple(size) for size in inputs["size"].tolist()} if "size" in inputs else set()
    if len(sizes) != 1:
        raise ValueError(f"a batch of images to generate needs one size; got {sorted(sizes) or 'none'}")
    height, width = sizes.pop()
    return int(height), int(width)


def _mean(loss: Loss, prediction: Prediction) -> Tensor:
    """Of a loss, over the images of a batch."""
    value = loss(prediction)
    if value.shape != prediction.t.shape:
        raise broken(loss, "loss", f"of {len(prediction.t)} images it makes {tuple(value.shape)}, not a number each")
    return value.mean()


def _numbered(names: list[str]) -> list[str]:
    """The names, of which repeated ones get a number: loss_mse, loss_mse_2."""
    numbers = [names[: index + 1].count(name) for index, name in enumerate(names)]
    return [name if number == 1 else f"{name}_{number}" for name, number in zip(names, numbers, strict=True)]
