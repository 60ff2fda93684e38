"""From an image to tokens, a patch each, and back."""

from jaxtyping import Float
from torch import Tensor, nn

from cfmrestore.networks.layers.modulation import modulate
from cfmrestore.networks.layers.residual import zeroed


class PatchEmbed(nn.Conv2d):
    """A linear layer from the samples of each patch to the features of its token."""

    def __init__(self, channels: int, width: int, patch: int) -> None:
        super().__init__(channels, width, patch, stride=patch)
        nn.init.xavier_uniform_(self.weight.detach().flatten(1))  # as the linear layer that it is
        assert self.bias is not None
        nn.init.zeros_(self.bias)

    def forward(self, x: Float[Tensor, "b c _ _"]) -> Float[Tensor, "b h w d"]:
        return super().forward(x).permute(0, 2, 3, 1).contiguous()


class PatchHead(nn.Module):
    """Normalized and modulated tokens to the samples of their patches; zero at the start.

    Args:
        norm: Normalization of the tokens.
        modulation: From the vector of the conditions to a shift and a scale.
        width: Features of a token.
        channels: Channels of the result.
        patch: Samples along each side of a patch.
    """

    def __init__(self, norm: nn.Module, modulation: nn.Module, *, width: int, channels: int, patch: int) -> None:
        super().__init__()
        self.patch = patch
        self.norm, self.modulation = norm, modulation
        self.linear = zeroed(nn.Linear(width, patch * patch * channels))

    def forward(self, x: Float[Tensor, "b h w d"], vector: Tensor) -> Float[Tensor, "b c _ _"]:
        shift, scale = self.modulation(vector).unbind(1)
        patches = self.linear(modulate(self.norm(x), shift, scale)).unflatten(-1, (self.patch, self.patch, -1))
        return patches.permute(0, 5, 1, 3, 2, 4).flatten(4, 5).flatten(2, 3)
