"""Self-attention between the positions of a feature map."""

from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from cfmrestore.networks.layers.residual import norm, zeroed


def has_tangent(*tensors: Tensor | None) -> bool:
    """Whether any is being differentiated in forward mode."""
    return any(x is not None and forward_ad.unpack_dual(x).tangent is not None for x in tensors)


def attend(
    q: Float[Tensor, "b heads n d"],
    k: Float[Tensor, "b heads m d"],
    v: Float[Tensor, "b heads m d"],
    mask: Bool[Tensor, "b heads 1 m"] | None = None,
) -> Float[Tensor, "b heads n d"]:
    """softmax(q k^T / sqrt(d)) v; by plain products under forward-mode differentiation, which fused kernels lack.

    Where there is a mask, keys that it has as False have no weight.
    """
    if has_tangent(q, k, v):
        with sdpa_kernel(SDPBackend.MATH):
            return F.scaled_dot_product_attention(q, k, v, mask)
    return F.scaled_dot_product_attention(q, k, v, mask)


class SpatialAttention(nn.Module):
    """Every position attends to every position; the result is added to the input.

    Tokens are positions and features are channels: permuting the positions permutes the result alike. Features are
    kept contiguous, without which torch does not take its fused kernel.

    Args:
        channels: Channels of the feature map.
        heads: Number of heads.
        head_dim: Channels a head, independent of ``channels``.
        groups: Groups of the normalization; None for none.
    """

    def __init__(self, channels: int, *, heads: int = 4, head_dim: int = 64, groups: int | None = 32) -> None:
        super().__init__()
        self.heads = heads
        self.norm = norm(groups, channels)
        self.qkv = nn.Conv2d(channels, 3 * heads * head_dim, 1)
        self.out = zeroed(nn.Conv2d(heads * head_dim, channels, 1))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        h, w = x.shape[-2:]
        tokens = self.qkv(self.norm(x)).flatten(2).transpose(1, 2).contiguous()  # b, h*w, 3*heads*head_dim
        q, k, v = tokens.unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # b, heads, h*w, head_dim
        mixed = attend(q, k, v).transpose(1, 2).flatten(2)  # b, h*w, heads*head_dim
        result: Tensor = x + self.out(mixed.unflatten(1, (h, w)).permute(0, 3, 1, 2))
        return result


class RavelledAttention(SpatialAttention):
    """Attention between stretches of the memory of a feature map: FMBoost's, whose weights need it as it is.

    It takes the features of a head, 3 d channels of n positions each, row after row, and reads them as n tokens of 3 d
    features without transposing: a token is a stretch of positions of one channel, or several, and no position has its
    own. What comes out is read back alike. The same weights on another size are another function.
    """

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        b, _, h, w = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(b, self.heads, h * w, -1).chunk(3, dim=-1)
        result: Tensor = x + self.out(attend(q, k, v).reshape(b, -1, h, w))
        return result
