"""A trained flow from which another one learns."""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from cfmrestore.conditions import ConditionInputs, ConditionStack
from cfmrestore.flows.guided import guided_velocity
from cfmrestore.hub import check_weights, read_weights
from cfmrestore.networks.conditioned import ConditionedNetwork
from cfmrestore.ops.rng import ImageRng
from cfmrestore.typing import Velocity


class Teacher(nn.Module):
    """The velocity of a trained flow of the same network, frozen, as the target of another flow.

    Guided, it is what sampling under that guidance follows, which the other flow then does at guidance 1: one
    evaluation in place of one for every row.

    Args:
        network: The network that learns; a copy of it, without a duration, takes the weights.
        conditions: What it is told; likewise.
        weights: The safetensors file of a flow.
        guidance: Scale of classifier-free guidance of its condition, or one by the name of a condition.
        guidance_interval: First and last time of guidance.
    """

    def __init__(
        self,
        network: nn.Module,
        conditions: ConditionStack,
        *,
        weights: str | Path,
        guidance: Any = 1.0,
        guidance_interval: Sequence[float] = (0.0, 1.0),
    ) -> None:
        super().__init__()
        self.network, self.conditions = copy.deepcopy(network), copy.deepcopy(conditions)
        for module in self.network.modules():
            if isinstance(module, ConditionedNetwork):
                module.flow_map, module.duration = False, None
        scales = guidance.values() if isinstance(guidance, Mapping) else [guidance]
        self.guided = any(scale != 1 for scale in scales)
        if self.guided and not isinstance(guidance, Mapping) and len(list(conditions)) > 1:
            raise ValueError(
                f"say which of {', '.join(conditions)} are guided: model.teacher.guidance=dict(NAME=scale)"
            )
        if self.guided and conditions.droppable:
            raise ValueError(
                "what learns a guided velocity is always told its conditions: set the dropout of "
                f"{', '.join(conditions.droppable)} to 0"
            )
        self.guidance = guidance
        self.guidance_interval = (float(guidance_interval[0]), float(guidance_interval[1]))
        file = Path(weights).expanduser()
        if file.suffix != ".safetensors" or not file.is_file():
            raise ValueError(
                f"there is no file {str(file)!r} of weights: model.teacher.weights is a bundled model's name or the "
                ".safetensors beside a checkpoint"
            )
        held, own = read_weights(file), self.state_dict()
        check_weights(held, own, file)
        self.load_state_dict({name: held[name] for name in own})
        self.requires_grad_(False).eval()

    def velocity(self, inputs: ConditionInputs, rng: ImageRng, layout: torch.memory_format) -> Velocity:
        """v(x, t) under a batch's conditions, of which those are dropped that training drops."""

        def under(told: dict[str, Tensor]) -> Velocity:
            def velocity(x: Tensor, t: Tensor) -> Tensor:
                v: Tensor = self.network(x.contiguous(memory_format=layout), t.expand(len(x)), **told)
                return v.float()

            return velocity

        with torch.no_grad():
            if not self.guided:
                return under(self.conditions.embed_with_dropout(inputs, rng))
            return guided_velocity(
                self.conditions, inputs, under,
                guidance=self.guidance, interval=self.guidance_interval, names=list(self.conditions),
            )  # fmt: skip
