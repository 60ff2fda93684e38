"""Diffusion transformer."""

from jaxtyping import Float
from torch import Tensor, nn

from cfmrestore.networks.conditioned import ConditionedNetwork, input_gains
from cfmrestore.networks.layers import (
    MLPS,
    LinearAttention,
    Modulation,
    PatchEmbed,
    PatchHead,
    SharedModulation,
    TokenAttention,
    TransformerBlock,
    WindowAttention,
    axial_rotation,
    sincos_table,
    token_norm,
)
from cfmrestore.ops.pad import crop_to, pad_to_multiple
from cfmrestore.registry import NETWORKS
from cfmrestore.typing import PerImage

SIZES = {"S": (384, 12, 6), "B": (768, 12, 12), "L": (1024, 24, 16), "XL": (1152, 28, 16)}
_SINUSOIDS = 256
_KINDS = {
    "attention": ("full", "window", "linear"),
    "position": ("sincos", "rope", "none"),
    "modulation": ("full", "single"),
    "mlp": tuple(MLPS),
    "norm": ("layer", "rms"),
}


@NETWORKS.register_module()
class DiT(ConditionedNetwork):
    """The diffusion transformer of Peebles and Xie (2023, arXiv:2212.09748), with its successors' parts as options.

    The defaults are DiT-S/2. Sides need not be multiples of anything: they are padded inside to whole patches.

    With ``attention="window"`` and positions other than "sincos" a sample of the velocity depends on a bounded
    neighborhood: tiles that start at multiples of ``multiple`` and of which ``reach`` samples at each cut are not used
    (those whose overlap is at least four times that) give the same as the whole. Otherwise ``reach`` is None.

    Args:
        channels: Channels of x and of the velocity.
        context_channels: Channels of the context that is concatenated to x.
        embedding_channels: Channels of an embedding, of a class for example, that is added to that of the time (of the
            network's width); one of another width goes through a linear layer.
        noise_level: Embed the standard deviation of the source's noise beside the time.
        size: Width, depth and heads by their published name: "S", "B", "L" or "XL".
        width: Features of a token, instead of the size's.
        depth: Blocks, instead of the size's.
        heads: Attention heads, instead of the size's.
        patch: Samples along each side of a patch, which is a token; 1, 2, 4 and 8 are usual.
        attention: "full", between all tokens; "window", within windows that are shifted in every other block (Liu et
            al., 2021, arXiv:2103.14030); "linear", whose cost is linear in the tokens (Sana, arXiv:2410.10629).
        window: Tokens along each side of a window, even.
        position: "sincos", a table that is added to the tokens; "rope", a rotation of queries and keys by integer
            positions of the crop or the window (Su et al., 2021, arXiv:2104.09864); "none", for mlp="conv".
        input_size: Side of the training crops in latent samples, on which the table of "sincos" is centered.
        modulation: "full", a linear layer a block (adaLN-zero); "single", one for all and a table a block, a third less
            parameters (PixArt-alpha, arXiv:2310.00426).
        mlp: "gelu"; "swiglu"; "conv", gated with a depthwise 3x3 convolution (Sana).
        mlp_ratio: Hidden features of the MLP over the width; gated ones have two thirds of it.
        norm: "layer", without weights, or "rms".
        qk_norm: Normalize queries and keys, without which logits grow and reduced precision overflows.
        learn_sigma: Predict as many channels again, which are discarded: the variance of published checkpoints.
        time_scale: Factor on t before its embedding.
        input_skip: Add x and the latent that the context begins with to the velocity, each channel times a gain that
            follows the embedding.
            White noise in many channels does not fit through a narrow network; it need not.
        flow_map: Take a duration beside the time, as in ``ConditionedNetwork``.
        checkpointing: Recompute activations in the backward pass, to save memory.
    """

    def __init__(
        self,
        *,
        channels: int,
        context_channels: int = 0,
        embedding_channels: int = 0,
        noise_level: bool = False,
        size: str = "S",
        width: int | None = None,
        depth: int | None = None,
        heads: int | None = None,
        patch: int = 2,
        attention: str = "full",
        window: int = 8,
        position: str = "sincos",
        input_size: int = 32,
        modulation: str = "full",
        mlp: str = "gelu",
        mlp_ratio: float = 4.0,
        norm: str = "layer",
        qk_norm: bool = False,
        learn_sigma: bool = False,
        time_scale: float = 1.0,
        input_skip: bool = False,
        flow_map: bool = False,
        checkpointing: bool = False,
    ) -> None:
        _check_kinds(size=size, attention=attention, position=position, modulation=modulation, mlp=mlp, norm=norm)
        named = zip((width, depth, heads), SIZES[size], strict=True)
        width, depth, heads = (usual if own is None else own for own, usual in named)
        _check_sizes(width, depth, heads, patch, window, position)
        super().__init__(
            context_channels=context_channels,
            embedding_channels=embedding_channels,
            noise_level=noise_level,
            sinusoids=_SINUSOIDS,
            width=width,
            time_scale=time_scale,
            flow_map=flow_map,
            checkpointing=checkpointing,
        )
        self.channels, self.width, self.head_dim, self.patch = channels, width, width // heads, patch
        self.position, self.grid = position, input_size // patch
        self.window: int | None = window if attention == "window" else None
        self.shifts: tuple[int, ...] = (0,) if self.window is None else (0, window // 2)
        self.multiple = patch * (self.window or 1)
        self.reach = None
        if attention == "window" and position != "sincos":
            # A cut at a multiple is one of unshifted windows; each block after the first carries half a window farther.
            self.reach = patch * ((depth - 1) * window // 2 + (mlp == "conv"))

        def attend(block: int) -> TokenAttention:
            if attention == "window":
                shift = self.shifts[block % 2]  # the first block has none
                return WindowAttention(width, heads=heads, window=window, shift=shift, qk_norm=qk_norm)
            return (LinearAttention if attention == "linear" else TokenAttention)(width, heads=heads, qk_norm=qk_norm)

        def modulated(count: int) -> nn.Module:
            return SharedModulation(width, count) if modulation == "single" else Modulation(width, count)

        def block(index: int) -> TransformerBlock:
            own = MLPS[mlp](width, mlp_ratio)
            return TransformerBlock(width, attention=attend(index), mlp=own, modulation=modulated(6), norm=norm)

        self.embed = PatchEmbed(channels + context_channels, width, patch)
        self.shared = Modulation(width, 6) if modulation == "single" else None
        self.blocks = nn.ModuleList(block(index) for index in range(depth))
        outputs = 2 * channels if learn_sigma else channels
        self.head = PatchHead(token_norm(norm, width), modulated(2), width=width, channels=outputs, patch=patch)
        self.skip = input_gains(width, channels, context_channels) if input_skip else None
        for module in (self.time, self.level, self.projection):
            if module is not None:
                module.apply(_normal)

    @property
    def bottleneck(self) -> nn.Module:
        """The middle block; a transformer has no narrower place."""
        return self.blocks[(len(self.blocks) - 1) // 2]

    def forward(
        self,
        x: Float[Tensor, "b c h w"],
        t: PerImage,
        context: Float[Tensor, "b k h w"] | None = None,
        noise_level: PerImage | None = None,
        embedding: Float[Tensor, "b e"] | None = None,
        duration: PerImage | None = None,
    ) -> Float[Tensor, "b c h w"]:
        vector = self._embed(t, noise_level, embedding, duration)
        inputs = self._with_context(x, context)
        # Under autocast the residual stream keeps the precision of the input.
        tokens = self.embed(pad_to_multiple(inputs, self.patch)).to(x.dtype)
        size = (tokens.shape[1], tokens.shape[2])
        rotations: list[Tensor | None] = [None]
        if self.position == "sincos":
            tokens = tokens + sincos_table(size, self.width, self.grid, x.device).to(x.dtype)
        elif self.position == "rope":  # those of blocks with and without a shift
            rotations = [
                axial_rotation(size, self.head_dim, x.device, shift=shift, period=self.window) for shift in self.shifts
            ]
        told = vector if self.shared is None else self.shared(vector)
        for index, block in enumerate(self.blocks):
            tokens = self._run(block, tokens, told, rotations[index % len(rotations)])
        patches = self.head(tokens, vector if self.shared is None else vector[:, None])
        velocity = crop_to(patches[:, : self.channels], (x.shape[-2], x.shape[-1]))
        return self._add_skip(velocity, inputs, vector)


def _check_kinds(*, size: str, **kinds: str) -> None:
    for name, kind, known in [("size", size, tuple(SIZES)), *((n, k, _KINDS[n]) for n, k in kinds.items())]:
        if kind not in known:
            raise ValueError(f"{name} is one of {', '.join(map(repr, known))}; got {kind!r}")


def _check_sizes(width: int, depth: int, heads: int, patch: int, window: int, position: str) -> None:
    if min(width, depth, heads, patch) < 1 or window < 2 or window % 2:
        raise ValueError(
            f"width, depth, heads and patch are at least 1, a window is even and at least 2; got {width=}, {depth=}, "
            f"{heads=}, {patch=}, {window=}"
        )
    if width % heads:
        raise ValueError(f"width must be a multiple of heads; got {width=}, {heads=}")
    if position == "rope" and width // heads % 4:
        raise ValueError(f"position='rope' needs heads of a multiple of 4 features; got {width // heads}")
    if position == "sincos" and width % 4:
        raise ValueError(f"position='sincos' needs a width that is a multiple of 4; got {width}")


def _normal(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)
