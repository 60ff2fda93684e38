"""Transformer block whose normalizations and residuals follow the conditions."""

from jaxtyping import Float
from torch import Tensor, nn

from cfmrestore.networks.layers.modulation import modulate
from cfmrestore.networks.layers.token_norm import token_norm


class TransformerBlock(nn.Module):
    r"""Attention, then an MLP; each one's input is shifted and scaled, and its result gated.

    .. math:: x \leftarrow x + g_i \odot f_i\left((1 + s_i) \odot \operatorname{norm}(x) + b_i\right), \qquad i = 1, 2

    Reference: Peebles and Xie, 2023, figure 3 (arXiv:2212.09748).

    Args:
        width: Features of a token.
        attention: f_1, between the tokens.
        mlp: f_2.
        modulation: From what it is told to the six vectors b_1, s_1, g_1, b_2, s_2, g_2.
        norm: "layer" or "rms".
    """

    def __init__(self, width: int, *, attention: nn.Module, mlp: nn.Module, modulation: nn.Module, norm: str) -> None:
        super().__init__()
        self.norm_1, self.attention = token_norm(norm, width), attention
        self.norm_2, self.mlp = token_norm(norm, width), mlp
        self.modulation = modulation
        for module in (attention, mlp):
            module.apply(_xavier)

    def forward(
        self, x: Float[Tensor, "b h w d"], told: Tensor, rotation: Float[Tensor, "2 h w half"] | None
    ) -> Float[Tensor, "b h w d"]:
        b_1, s_1, g_1, b_2, s_2, g_2 = self.modulation(told).unbind(1)
        x = x + g_1[:, None, None] * self.attention(modulate(self.norm_1(x), b_1, s_1), rotation)
        return x + g_2[:, None, None] * self.mlp(modulate(self.norm_2(x), b_2, s_2))


def _xavier(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)
