"""Starts of a test set: the inputs of its images, or their classes, with the noise that is theirs."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from torch import Tensor

from cfmrestore.flows import CouplingFlow
from cfmrestore.flows.coupling_flow import size_of
from cfmrestore.flows.pipeline import SamplingPipeline
from cfmrestore.flows.sampling import Start

_CORNER = 64  # pixels of an input, along each side


def held_out_inputs(
    batches: Iterable[Any], preprocessor: Any, flow: CouplingFlow, count: int
) -> Iterator[dict[str, Tensor]]:
    """What the first starts of a test set are made of, in batches; of large inputs a corner."""
    for batch in batches:
        inputs = preprocessor(batch, False)["inputs"]
        if "latent" in inputs and "low" not in inputs and preprocessor.makes_inputs:
            inputs |= preprocessor.degraded(flow.encoder.decode(inputs["latent"]).clamp(0, 1), inputs["seeds"])
        inputs = {key: value[:count] for key, value in inputs.items()}
        count -= len(inputs["seeds"])
        if "low" in inputs:
            side = _CORNER * flow.coupling.scale
            inputs["low"] = inputs["low"][..., :_CORNER, :_CORNER]
            inputs |= {key: inputs[key][..., :side, :side] for key in ("mask", "map") if key in inputs}
        yield inputs
        if count <= 0:
            break


def start_of(pipeline: SamplingPipeline, inputs: Mapping[str, Tensor]) -> Start:
    """Where a pipeline starts for these."""
    seeds, given = inputs["seeds"], {key: inputs[key] for key in ("label", "mask", "map") if key in inputs}
    if "low" in inputs:
        return pipeline.start(inputs["low"], seeds, given)
    return pipeline.start_of_noise(size_of(inputs, pipeline.coupling.encoder), seeds, given)
