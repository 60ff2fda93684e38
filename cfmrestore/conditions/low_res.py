"""The low-quality input, as restoration tells it."""

import torch

from cfmrestore.conditions.base import Condition, ConditionInputs
from cfmrestore.registry import CONDITIONS
from cfmrestore.typing import Conditioning


@CONDITIONS.register_module()
class LowRes(Condition):
    r"""The clean latent :math:`c = E(\mathrm{Up}(x_{\mathrm{low}}))` of the input, as the coupling lifts it.

    Null is a latent of zeros. Reference: Schusterbauer et al., 2024, section 3.2 (arXiv:2312.07360).

    Args:
        latent_channels: Channels of a latent.
        context: Tell the latent.
        noise_level: Tell the standard deviation of the noise in the start, which is never dropped.
        dropout: Probability of telling nothing in training.
    """

    def __init__(
        self, *, latent_channels: int, context: bool = True, noise_level: bool = False, dropout: float = 0.0
    ) -> None:
        super().__init__(dropout=dropout)
        self.context_channels, self.noise_level = latent_channels if context else 0, noise_level
        self.tells = frozenset({"lowres"} if context else ()) | frozenset({"noise_level"} if noise_level else ())

    def embed(self, inputs: ConditionInputs) -> Conditioning:
        return {key: getattr(inputs.source, field) for field, key in self._told(inputs)}

    def null(self, inputs: ConditionInputs) -> Conditioning:
        told = self.embed(inputs)
        return {key: torch.zeros_like(value) if key == "context" else value for key, value in told.items()}

    def _told(self, inputs: ConditionInputs) -> list[tuple[str, str]]:
        """Fields of the source, and the names under which the network takes them."""
        told = [(field, key) for field, key in (("lowres", "context"), ("noise_level", "noise_level"))
                if field in self.tells]  # fmt: skip
        if missing := [field for field, _ in told if getattr(inputs.source, field) is None]:
            what = {"lowres": "there is no input", "noise_level": "its coupling draws none"}[missing[0]]
            raise ValueError(
                f"LowRes tells the network the {missing[0]} of a start, and {what}: change model.conditions"
            )
        return told
