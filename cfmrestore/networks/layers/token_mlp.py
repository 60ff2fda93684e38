"""What a transformer block does to its tokens between attentions."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


class GELUMLP(nn.Sequential):
    """Two linear layers with a GELU, in its tanh form, between them."""

    def __init__(self, width: int, ratio: float) -> None:
        hidden = int(ratio * width)
        super().__init__(nn.Linear(width, hidden), nn.GELU(approximate="tanh"), nn.Linear(hidden, width))


class SwiGLU(nn.Module):
    r""":math:`W_3 \left(\operatorname{SiLU}(W_1 x) \odot W_2 x\right)`, with two thirds of the hidden features.

    Reference: Shazeer, 2020, equation 6 (arXiv:2002.05202).
    """

    def __init__(self, width: int, ratio: float) -> None:
        super().__init__()
        hidden = int(2 * ratio * width / 3)
        self.inner = nn.Linear(width, 2 * hidden)
        self.outer = nn.Linear(hidden, width)

    def forward(self, x: Float[Tensor, "b h w d"]) -> Float[Tensor, "b h w d"]:
        gate, value = self.inner(x).chunk(2, dim=-1)
        result: Tensor = self.outer(F.silu(gate) * value)
        return result


class ConvMLP(nn.Module):
    """A gated MLP with a depthwise 3x3 convolution inside, by which tokens know their neighbors without a position.

    1x1, SiLU, depthwise 3x3, half of the features times the SiLU of the other half, 1x1; of two thirds of the hidden
    features, as ``SwiGLU``.

    Reference: Xie et al., 2024, section 2.2 (arXiv:2410.10629).
    """

    def __init__(self, width: int, ratio: float) -> None:
        super().__init__()
        hidden = int(2 * ratio * width / 3)
        self.inner = nn.Linear(width, 2 * hidden)
        self.depthwise = nn.Conv2d(2 * hidden, 2 * hidden, 3, padding=1, groups=2 * hidden)
        self.outer = nn.Linear(hidden, width)

    def forward(self, x: Float[Tensor, "b h w d"]) -> Float[Tensor, "b h w d"]:
        inner = F.silu(self.inner(x)).permute(0, 3, 1, 2)
        value, gate = self.depthwise(inner).permute(0, 2, 3, 1).chunk(2, dim=-1)
        result: Tensor = self.outer(value * F.silu(gate))
        return result


MLPS: dict[str, type[nn.Module]] = {"gelu": GELUMLP, "swiglu": SwiGLU, "conv": ConvMLP}
