"""Self-attention between the tokens of a grid: of all with all, within windows, or linear in their number."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from cfmrestore.networks.layers.attention import attend
from cfmrestore.networks.layers.position import rotate
from cfmrestore.networks.layers.token_norm import RMSNorm


class TokenAttention(nn.Module):
    r"""Every token attends to every token: :math:`\operatorname{softmax}(q k^\top / \sqrt{d}) \, v`.

    Args:
        width: Features of a token.
        heads: Number of heads, of width / heads features each.
        qk_norm: Normalize queries and keys of each head by their root mean square, which bounds the logits (Henry et
            al., 2020, arXiv:2010.04245; Dehghani et al., 2023, arXiv:2302.05442).
    """

    def __init__(self, width: int, *, heads: int, qk_norm: bool = False) -> None:
        super().__init__()
        self.heads, self.head_dim = heads, width // heads
        self.qkv = nn.Linear(width, 3 * width)
        self.norm_q = RMSNorm(self.head_dim) if qk_norm else nn.Identity()
        self.norm_k = RMSNorm(self.head_dim) if qk_norm else nn.Identity()
        self.out = nn.Linear(width, width)

    def forward(
        self, x: Float[Tensor, "b h w width"], rotation: Float[Tensor, "2 h w half"] | None = None
    ) -> Float[Tensor, "b h w width"]:
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, self.head_dim)).unbind(-3)
        result: Tensor = self.out(self._mix(self.norm_q(q), self.norm_k(k), v, rotation).flatten(-2))
        return result

    def _mix(
        self,
        q: Float[Tensor, "b h w heads d"],
        k: Float[Tensor, "b h w heads d"],
        v: Float[Tensor, "b h w heads d"],
        rotation: Float[Tensor, "2 h w half"] | None,
    ) -> Float[Tensor, "b h w heads d"]:
        tokens = (y.flatten(1, 2).transpose(1, 2) for y in (rotate(q, rotation), rotate(k, rotation), v))
        return attend(*tokens).transpose(1, 2).unflatten(1, (q.shape[1], q.shape[2]))


class WindowAttention(TokenAttention):
    """Tokens attend to those of their window; windows of every other block lie shifted by half of their side.

    Windows at the borders have fewer tokens: what is missing is attended by none, and nothing is wrapped around, so
    that a grid may have any size and what is far away has no influence.

    Reference: Liu et al., 2021 (arXiv:2103.14030), whose shifted windows are cyclic, with a mask for each.

    Args:
        width: Features of a token.
        heads: Number of heads.
        window: Tokens along each side of a window.
        shift: Where the windows begin, from 0 to window - 1: the first one has so many tokens, if any.
        qk_norm: As in ``TokenAttention``.
    """

    def __init__(self, width: int, *, heads: int, window: int, shift: int = 0, qk_norm: bool = False) -> None:
        super().__init__(width, heads=heads, qk_norm=qk_norm)
        self.window, self.shift = window, shift

    def _mix(self, q: Tensor, k: Tensor, v: Tensor, rotation: Tensor | None) -> Tensor:
        b, h, w, heads, d = q.shape
        (top, bottom), (left, right) = (self._margins(n) for n in (h, w))
        qkv = torch.stack([rotate(q, rotation), rotate(k, rotation), v])
        mask = None
        if top or bottom or left or right:
            qkv = F.pad(qkv, (0, 0, 0, 0, left, right, top, bottom))
            mask = F.pad(q.new_ones(h, w, dtype=torch.bool), (left, right, top, bottom))
        down, across, n = qkv.shape[2] // self.window, qkv.shape[3] // self.window, self.window**2
        # Kernels take up to 65535 batches and as many heads: windows are shared out between the two.
        shape = (down, self.window, across, self.window)
        windows = qkv.unflatten(3, shape[2:]).unflatten(2, shape[:2]).permute(0, 1, 2, 4, 6, 3, 5, 7)
        if mask is not None:
            mask = mask.view(shape).transpose(1, 2).reshape(1, down, across, 1, 1, n)
            mask = mask.expand(b, -1, -1, heads, -1, -1).reshape(b * down, across * heads, 1, n)
        q, k, v = windows.reshape(3, b * down, across * heads, n, d)
        mixed = attend(q, k, v, mask).view(b, down, across, heads, *shape[1::2], d).permute(0, 1, 4, 2, 5, 3, 6)
        return mixed.flatten(3, 4).flatten(1, 2)[:, top : top + h, left : left + w]

    def _margins(self, length: int) -> tuple[int, int]:
        """Tokens that are missing for whole windows, before and behind an axis."""
        before = self.window - self.shift if self.shift else 0
        return before, (length + before + self.window - 1) // self.window * self.window - before - length


class LinearAttention(TokenAttention):
    r"""Attention whose cost is linear in the number of tokens.

    .. math::
        o_i = \frac{\left(\sum_j v_j \phi(k_j)^\top\right) \phi(q_i)}{\left(\sum_j \phi(k_j)\right)^\top \phi(q_i)
        + \varepsilon}, \qquad \phi = \operatorname{ReLU}

    Sums are in float32 at least. Positions, if any, turn the features of the numerator alone, since the denominator
    could vanish (Su et al., 2021, equation 19, arXiv:2104.09864).

    Reference: Katharopoulos et al., 2020 (arXiv:2006.16236); with ReLU as in Sana (Xie et al., 2024, arXiv:2410.10629).
    """

    def _mix(self, q: Tensor, k: Tensor, v: Tensor, rotation: Tensor | None) -> Tensor:
        dtype = v.dtype
        with torch.autocast(q.device.type, enabled=False):
            q, k, v = (y.to(torch.promote_types(y.dtype, torch.float32)) for y in (q.relu(), k.relu(), v))
            weight = torch.einsum("bhwnd,bnd->bhwn", q, k.sum((1, 2)))[..., None] + 1e-6
            memory = torch.einsum("bhwnd,bhwne->bnde", rotate(k, rotation), v)
            return (torch.einsum("bhwnd,bnde->bhwne", rotate(q, rotation), memory) / weight).to(dtype)
