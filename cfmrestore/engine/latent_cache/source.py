"""Where the entries of a cache come from: a flow's encoder, degradation and coupling, and a dataset of photographs."""

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from mmengine.dataset import pseudo_collate
from torch import Tensor

from cfmrestore.couplings.upsampling import picture_to_encode
from cfmrestore.datasets.base import ImageDataset
from cfmrestore.datasets.latent_cache.shards import HIGH, LABEL, LIFTED, LOW, digest_of
from cfmrestore.flows.coupling_flow import CouplingFlow
from cfmrestore.ops.rng import ImageRng, key_of, mix

DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
_PIXELS = {"low", "mask", "map"}
_ELSEWHERE = ("root", "on_error", "cache_images", "seed")  # keys of datasets that do not say what an entry is


@dataclass(frozen=True)
class Entry:
    """A photograph as the dataset gives it, with its seed, before it is degraded and encoded."""

    image: str
    inputs: dict[str, Tensor]
    seed: int

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        height, width = self.inputs["high"].shape[-2:]
        return height, width


class CacheSource:
    """Photographs, and what a flow's training would make of them before it draws.

    Version v of an image is that of epoch v of a training from images: with D degradations of each crop, the crop of
    epoch D * (v // D) and the degradation of epoch v.

    Args:
        flow: Whose encoder, coupling and preprocessor are used.
        dataset: The photographs.
        dataset_config: What it was built from.
        degradations: Inputs of each crop.
        parts: "low" and "lifted": what of the inputs is encoded; by default what the flow's coupling needs.
        dtype: Of the moments.
    """

    def __init__(
        self,
        flow: CouplingFlow,
        dataset: Any,
        dataset_config: Any,
        *,
        degradations: int = 1,
        parts: Sequence[str] = (),
        dtype: str = "float16",
    ) -> None:
        if not isinstance(dataset, ImageDataset):
            raise ValueError(
                f"a cache is of one dataset of photographs, and {type(dataset).__name__} is none: write one of each "
                "(--dataset 0, 1 ...), and mix those"
            )
        if degradations < 1 or dtype not in DTYPES:
            raise ValueError(
                f"degradations is 1 or more, dtype one of {', '.join(DTYPES)}; got {degradations}, {dtype}"
            )
        self.flow, self.dataset, self.degradations, self.dtype = flow, dataset, degradations, dtype
        self.images = [dataset.name(index) for index in range(len(dataset))]
        self._check_conditions()
        flow_recipe = flow.data_recipe()
        self.parts = self._parts(flow_recipe.pop("input"), parts)
        kept = {key: value for key, value in dict(dataset_config).items() if not key.endswith(_ELSEWHERE)}
        data = {"dataset": kept, "images": digest_of({"names": self.images}), "seed": dataset.seed}
        data["classes"] = list(dataset.metainfo.get("classes", ()))
        recipe = {"flow": {**flow_recipe, "parts": self.parts}, "data": data, "degradations": degradations}
        self.recipe: dict[str, Any] = json.loads(json.dumps({**recipe, "dtype": dtype}, default=repr))

    def _check_conditions(self) -> None:
        for part in self.flow.conditions.parts:
            if pixels := sorted(_PIXELS.intersection(part.needs)):
                raise ValueError(
                    f"the condition {type(part).__name__} is told pixels ({', '.join(pixels)}), which a cache of "
                    "latents does not hold: train it from images"
                )

    def _parts(self, needed: str | None, asked: Sequence[str]) -> dict[str, str]:
        """The tensors of a shard, each with how its picture is made."""
        coupling = self.flow.coupling
        if asked and needed is None:
            raise ValueError("the flow has no inputs to encode: leave parts away")
        if unknown := set(asked) - {"low", "lifted"}:
            raise ValueError(f"parts are low and lifted; got {', '.join(sorted(unknown))}")
        names = set(asked) or ({"low" if needed == "low" else "lifted"} if needed else set())
        lifted = "pixel" if coupling.lifts_latents else coupling.upsample
        if "lifted" in names and lifted == "decoded" and self.flow.encoder.draws:
            raise ValueError(
                "upsample='decoded' draws a latent of the input before it is enlarged, and a cache would hold one draw "
                "for all epochs: take upsample='pixel', or an encoder that does not draw"
            )
        made = {LOW: "low"} if "low" in names else {}
        return {HIGH: "high", **made, **({LIFTED: lifted} if "lifted" in names else {})}

    def entry(self, index: int, version: int) -> Entry | None:
        """One entry; None where the dataset skips an image that cannot be read."""
        name, dataset = self.images[index], self.dataset
        crop = version - version % self.degradations
        try:
            inputs = dataset.inputs(index, dataset.seed_of(index, crop))
        except (ValueError, OSError) as error:
            if dataset.on_error == "raise":
                raise ValueError(f"{name}: {error}") from error
            warnings.warn(f"skipped {name}: {error}", RuntimeWarning, stacklevel=2)
            return None
        if "high" not in inputs:
            raise ValueError(f"{type(dataset).__name__} holds no photographs to encode, but {', '.join(inputs)}")
        if "low" in inputs and self.degradations > 1:
            raise ValueError(
                "the dataset brings its inputs, of which there is one: degradations of a crop take a degradation of "
                "model.data_preprocessor"
            )
        return Entry(name, inputs, mix(dataset.seed, version, key_of(name)))

    def check(self) -> None:
        """Encode the first image, so that what no image can pass is said before anything is written."""
        if (first := self.entry(0, 0)) is not None:
            self.encode([first])

    @torch.no_grad()
    def encode(self, entries: Sequence[Entry]) -> dict[str, Tensor]:
        """The tensors of some entries of one size, a row each."""
        samples = [
            {"inputs": one.inputs, "data_samples": {"name": one.image, "seed": one.seed, "number": 0}}
            for one in entries
        ]
        flow = self.flow
        given = flow.data_preprocessor(pseudo_collate(samples))["inputs"]
        rng, encoder = ImageRng(given["seeds"]).fork("flow"), flow.encoder
        if len(self.parts) > 1 and "low" not in given:
            raise ValueError("the dataset has no low-quality images and the preprocessor no degradation")
        found = {}
        for part, how in self.parts.items():
            picture = given["high"] if part == HIGH else given["low"]
            if part == LIFTED:
                picture = picture_to_encode(picture, encoder, flow.coupling.scale, how, rng.fork("lift"))
            found[part] = encoder.moments_of(picture).to(DTYPES[self.dtype]).cpu()
        for row, entry in enumerate(entries):
            if broken := [part for part, moments in found.items() if not bool(torch.isfinite(moments[row]).all())]:
                raise ValueError(f"{entry.image}: {broken[0]} are not finite in {self.dtype}: take dtype float32")
        if LABEL in given:
            found[LABEL] = cast(Tensor, given[LABEL]).cpu()
        return found
