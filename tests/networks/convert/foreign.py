"""Other projects' networks, as small functions of their weights: what converted ones are held to."""

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

Shapes = dict[str, tuple[int, ...]]
State = Mapping[str, Tensor]


def random_state(shapes: Shapes, seed: int = 0) -> dict[str, Tensor]:
    """Random weights; means of 2x2 where a filter is stored, and the table of positions as it is computed."""
    generator = torch.Generator().manual_seed(seed)
    state = {name: torch.randn(shape, generator=generator) / math.prod(shape[1:]) ** 0.5
             for name, shape in shapes.items()}  # fmt: skip
    return state | fixed(shapes)


def meta_state(shapes: Shapes) -> dict[str, Tensor]:
    """Weights without values."""
    return {name: torch.empty(shape, device="meta") for name, shape in shapes.items()} | fixed(shapes)


def fixed(shapes: Shapes) -> dict[str, Tensor]:
    values = {name: torch.full((1, 1, 2, 2), 0.25) for name in shapes if name.endswith("resample_filter")}
    if "pos_embed" in shapes:
        _, tokens, width = shapes["pos_embed"]
        values["pos_embed"] = positions(math.isqrt(tokens), width)
    return values


# DiT, SiT, LFM's transformer


def positions(side: int, width: int) -> Tensor:
    """Sines and cosines of the column, then of the row, a token a line."""
    omega = 10000.0 ** -(torch.arange(width // 4, dtype=torch.float64) / (width // 4))
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    angles = [place.reshape(-1, 1) * omega for place in (columns, rows)]
    return torch.cat([part for angle in angles for part in (angle.sin(), angle.cos())], dim=1).float()[None]


def dit_shapes(
    width: int, depth: int, *, patch: int = 2, channels: int = 4, rows: int = 1001, side: int = 32, outputs: int = 4
) -> Shapes:
    layers = {"t_embedder.mlp.0": (width, 256), "t_embedder.mlp.2": (width, width)}
    layers["final_layer.linear"] = (patch * patch * outputs, width)
    layers["final_layer.adaLN_modulation.1"] = (2 * width, width)
    layers["x_embedder.proj"] = (width, channels, patch, patch)
    for index in range(depth):
        sizes = {"attn.qkv": (3 * width, width), "attn.proj": (width, width), "mlp.fc1": (4 * width, width)}
        sizes |= {"mlp.fc2": (width, 4 * width), "adaLN_modulation.1": (6 * width, width)}
        layers |= {f"blocks.{index}.{name}": size for name, size in sizes.items()}
    tables = {"y_embedder.embedding_table.weight": (rows, width), "pos_embed": (1, (side // patch) ** 2, width)}
    return _with_biases(layers) | tables


def dit(state: State, x: Tensor, t: Tensor, label: Tensor, *, heads: int) -> Tensor:
    """All output channels."""
    linear = _linear(state)
    patch, width = state["x_embedder.proj.weight"].shape[-1], state["pos_embed"].shape[-1]
    kernel = state["x_embedder.proj.weight"]
    tokens = F.conv2d(x, kernel, state["x_embedder.proj.bias"], stride=patch).flatten(2).transpose(1, 2)
    tokens = tokens + state["pos_embed"]
    told = linear("t_embedder.mlp.2", F.silu(linear("t_embedder.mlp.0", sinusoids(t, 256))))
    told = F.silu(told + state["y_embedder.embedding_table.weight"][label])

    def normed(y: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
        return F.layer_norm(y, (width,), eps=1e-6) * (1 + scale[:, None]) + shift[:, None]

    for index in range(1 + max(int(name.split(".")[1]) for name in state if name.startswith("blocks."))):
        at = f"blocks.{index}"
        b_1, s_1, g_1, b_2, s_2, g_2 = linear(f"{at}.adaLN_modulation.1", told).chunk(6, dim=1)
        qkv = linear(f"{at}.attn.qkv", normed(tokens, b_1, s_1))
        q, k, v = qkv.reshape(*tokens.shape[:2], 3, heads, -1).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).softmax(-1)
        mixed = (weights @ v).transpose(1, 2).flatten(2)
        tokens = tokens + g_1[:, None] * linear(f"{at}.attn.proj", mixed)
        hidden = F.gelu(linear(f"{at}.mlp.fc1", normed(tokens, b_2, s_2)), approximate="tanh")
        tokens = tokens + g_2[:, None] * linear(f"{at}.mlp.fc2", hidden)
    shift, scale = linear("final_layer.adaLN_modulation.1", told).chunk(2, dim=1)
    patches = linear("final_layer.linear", normed(tokens, shift, scale))
    side = math.isqrt(tokens.shape[1])
    grid = patches.reshape(len(x), side, side, patch, patch, -1)
    return torch.einsum("nhwpqc->nchpwq", grid).reshape(len(x), -1, side * patch, side * patch)


# Guided diffusion, LFM's "origin" ADM, FMBoost


def guided_shapes(
    base: int,
    factors: Sequence[int],
    blocks: int,
    attended: Sequence[int],
    *,
    inputs: int = 4,
    outputs: int = 4,
    rows: int = 0,
    in_blocks: bool = False,
    features: int | None = None,
) -> Shapes:
    """Attended are downsampling factors; features those of all heads, by default the channels."""
    d, layers, norms = 4 * base, {}, {}

    def block(at: str, before: int, after: int) -> None:
        norms[f"{at}.in_layers.0"], norms[f"{at}.out_layers.0"] = before, after
        layers[f"{at}.in_layers.2"], layers[f"{at}.out_layers.3"] = (after, before, 3, 3), (after, after, 3, 3)
        layers[f"{at}.emb_layers.1"] = (2 * after, d)
        if before != after:
            layers[f"{at}.skip_connection"] = (after, before, 1, 1)

    def attention(at: str, width: int) -> None:
        inner = features or width
        norms[f"{at}.norm"] = width
        layers[f"{at}.qkv"], layers[f"{at}.proj_out"] = (3 * inner, width, 1), (width, inner, 1)

    layers["time_embed.0"], layers["time_embed.2"] = (d, base), (d, d)
    layers["input_blocks.0.0"] = (base, inputs, 3, 3)
    skips, width, index = [base], base, 1
    for level, factor in enumerate(factors):
        for _ in range(blocks):
            block(f"input_blocks.{index}.0", width, base * factor)
            width = base * factor
            if 2**level in attended:
                attention(f"input_blocks.{index}.1", width)
            skips.append(width)
            index += 1
        if level < len(factors) - 1:
            if in_blocks:
                block(f"input_blocks.{index}.0", width, width)
            else:
                layers[f"input_blocks.{index}.0.op"] = (width, width, 3, 3)
            skips.append(width)
            index += 1
    block("middle_block.0", width, width)
    attention("middle_block.1", width)
    block("middle_block.2", width, width)
    index = 0
    for level, factor in reversed(list(enumerate(factors))):
        for number in range(blocks + 1):
            block(f"output_blocks.{index}.0", width + skips.pop(), base * factor)
            width, last = base * factor, 1
            if 2**level in attended:
                attention(f"output_blocks.{index}.1", width)
                last = 2
            if level and number == blocks:
                if in_blocks:
                    block(f"output_blocks.{index}.{last}", width, width)
                else:
                    layers[f"output_blocks.{index}.{last}.conv"] = (width, width, 3, 3)
            index += 1
    norms["out.0"], layers["out.2"] = width, (outputs, base, 3, 3)
    return _with_biases(layers, norms) | ({"label_emb.weight": (rows, d)} if rows else {})


def guided_unet(
    state: State, x: Tensor, t: Tensor, label: Tensor | None = None, *, heads: int, fmboost: bool = False
) -> Tensor:
    """Each numbered layer is what its tensors are called; a block behind a block, or of a level's end, resamples."""
    linear = _linear(state)
    told = linear("time_embed.2", F.silu(linear("time_embed.0", sinusoids(t, state["time_embed.0.weight"].shape[1]))))
    if label is not None:
        told = told + state["label_emb.weight"][label]
    inside = not any(name.endswith(".op.weight") for name in state)
    counts = {side: 1 + max(int(name.split(".")[1]) for name in state if name.startswith(side))
              for side in ("input_blocks", "output_blocks")}  # fmt: skip
    levels = 1 + sum(f"output_blocks.{k}.{n}.{leaf}.weight" in state for k in range(counts["output_blocks"])
                     for n in (1, 2) for leaf in ("conv", "in_layers.0"))  # fmt: skip
    stride = counts["input_blocks"] // levels

    def run(at: str, y: Tensor, way: str) -> Tensor:
        if f"{at}.in_layers.0.weight" in state:
            return guided_block(state, at, y, told, way)
        if f"{at}.qkv.weight" in state:
            return (fmboost_attention if fmboost else guided_attention)(state, at, y, heads)
        if f"{at}.op.weight" in state:
            return _conv(state, f"{at}.op", y, stride=2)
        if f"{at}.conv.weight" in state:
            return _conv(state, f"{at}.conv", F.interpolate(y, scale_factor=2, mode="nearest"))
        return _conv(state, at, y)

    def layers(at: str) -> list[str]:
        numbers = {name.removeprefix(f"{at}.").split(".")[0] for name in state if name.startswith(f"{at}.")}
        return [f"{at}.{number}" for number in sorted(numbers)]

    skips = []
    for index in range(counts["input_blocks"]):
        ends_level = index > 0 and index % stride == 0 and index < counts["input_blocks"]
        for layer in layers(f"input_blocks.{index}"):
            x = run(layer, x, "down" if inside and ends_level else "")
        skips.append(x)
    for layer in layers("middle_block"):
        x = run(layer, x, "")
    for index in range(counts["output_blocks"]):
        x = torch.cat([x, skips.pop()], dim=1)
        for number, layer in enumerate(layers(f"output_blocks.{index}")):
            x = run(layer, x, "up" if number else "")
    return _conv(state, "out.2", F.silu(_group_norm(state, "out.0", x)))


def guided_block(state: State, at: str, x: Tensor, told: Tensor, way: str) -> Tensor:
    y = F.silu(_group_norm(state, f"{at}.in_layers.0", x))
    x, y = _resized(x, way), _resized(y, way)
    y = _conv(state, f"{at}.in_layers.2", y)
    scale, shift = _linear(state)(f"{at}.emb_layers.1", F.silu(told))[..., None, None].chunk(2, dim=1)
    y = _group_norm(state, f"{at}.out_layers.0", y) * (1 + scale) + shift
    y = _conv(state, f"{at}.out_layers.3", F.silu(y))
    return y + (_conv(state, f"{at}.skip_connection", x) if f"{at}.skip_connection.weight" in state else x)


def guided_attention(state: State, at: str, x: Tensor, heads: int) -> Tensor:
    b, c = x.shape[:2]
    qkv = F.conv1d(_group_norm(state, f"{at}.norm", x).flatten(2), state[f"{at}.qkv.weight"], state[f"{at}.qkv.bias"])
    q, k, v = qkv.reshape(b * heads, 3 * c // heads, -1).chunk(3, dim=1)
    weights = torch.einsum("bct,bcs->bts", q, k).div((c // heads) ** 0.5).softmax(-1)
    mixed = torch.einsum("bts,bcs->bct", weights, v).reshape(b, c, -1)
    return x + F.conv1d(mixed, state[f"{at}.proj_out.weight"], state[f"{at}.proj_out.bias"]).reshape(x.shape)


def fmboost_attention(state: State, at: str, x: Tensor, heads: int) -> Tensor:
    """Features are reinterpreted as tokens, never transposed."""
    b, c = x.shape[:2]
    y = F.group_norm(x.reshape(b, c, -1), 32, state[f"{at}.norm.weight"], state[f"{at}.norm.bias"])
    qkv = F.conv1d(y, state[f"{at}.qkv.weight"], state[f"{at}.qkv.bias"])
    q, k, v = qkv.reshape(b, heads, qkv.shape[-1], -1).chunk(3, dim=-1)
    mixed = (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).softmax(-1) @ v
    mixed = mixed.reshape(b, state[f"{at}.proj_out.weight"].shape[1], -1)
    return x + F.conv1d(mixed, state[f"{at}.proj_out.weight"], state[f"{at}.proj_out.bias"]).reshape(x.shape)


# EDM's ADM


def edm_shapes(
    base: int,
    factors: Sequence[int],
    blocks: int,
    attended: Sequence[int],
    *,
    side: int,
    channels: int = 4,
    classes: int = 0,
) -> Shapes:
    """Attended are sides of the latent."""
    d, layers, norms, filters = 4 * base, {}, {}, {}

    def block(at: str, before: int, after: int, *, attention: bool = False, resamples: bool = False) -> None:
        norms[f"{at}.norm0"], norms[f"{at}.norm1"] = before, after
        layers[f"{at}.conv0"], layers[f"{at}.conv1"] = (after, before, 3, 3), (after, after, 3, 3)
        layers[f"{at}.affine"] = (2 * after, d)
        if before != after:
            layers[f"{at}.skip"] = (after, before, 1, 1)
        if resamples:
            filters[f"{at}.conv0.resample_filter"] = filters[f"{at}.skip.resample_filter"] = (1, 1, 2, 2)
        if attention:
            norms[f"{at}.norm2"] = after
            layers[f"{at}.qkv"], layers[f"{at}.proj"] = (3 * after, after, 1, 1), (after, after, 1, 1)

    layers["map_layer0"], layers["map_layer1"] = (d, base), (d, d)
    layers[f"enc.{side}x{side}_conv"] = (base, channels, 3, 3)
    skips, width = [base], base
    for level, factor in enumerate(factors):
        here = side >> level
        if level:
            block(f"enc.{here}x{here}_down", width, width, resamples=True)
            skips.append(width)
        for number in range(blocks):
            block(f"enc.{here}x{here}_block{number}", width, base * factor, attention=here in attended)
            width = base * factor
            skips.append(width)
    for level, factor in reversed(list(enumerate(factors))):
        here = side >> level
        if level == len(factors) - 1:
            block(f"dec.{here}x{here}_in0", width, width, attention=True)
            block(f"dec.{here}x{here}_in1", width, width)
        else:
            block(f"dec.{here}x{here}_up", width, width, resamples=True)
        for number in range(blocks + 1):
            at = f"dec.{here}x{here}_block{number}"
            block(at, width + skips.pop(), base * factor, attention=here in attended)
            width = base * factor
    norms["out_norm"], layers["out_conv"] = width, (channels, width, 3, 3)
    return _with_biases(layers, norms) | filters | ({"map_label.weight": (d, classes)} if classes else {})


def edm_unet(state: State, x: Tensor, t: Tensor, label: Tensor | None = None) -> Tensor:
    """Layers are run in the order in which they are stored; without a label, no class."""
    linear = _linear(state)
    told = linear("map_layer1", F.silu(linear("map_layer0", sinusoids(t, state["map_layer0.weight"].shape[1]))))
    if label is not None:
        told = told + F.one_hot(label, state["map_label.weight"].shape[1]).float() @ state["map_label.weight"].T
    names = list(dict.fromkeys(".".join(name.split(".")[:2]) for name in state if name[:4] in ("enc.", "dec.")))
    side = max(int(name.split(".")[1].split("x")[0]) for name in names)

    def order(name: str) -> tuple[int, int, str]:
        at, kind = name.split(".")[1].split("_")
        return (int(at.split("x")[0]), 0 if kind in ("conv", "down", "up") or kind.startswith("in") else 1, kind)

    encoder = sorted((n for n in names if n.startswith("enc.")), key=lambda n: (-order(n)[0], *order(n)[1:]))
    decoder = sorted((n for n in names if n.startswith("dec.")), key=order)
    skips = []
    for name in encoder:
        x = _conv(state, name, x) if name == f"enc.{side}x{side}_conv" else edm_block(state, name, x, F.silu(told))
        skips.append(x)
    for name in decoder:
        if "_block" in name:
            x = torch.cat([x, skips.pop()], dim=1)
        x = edm_block(state, name, x, F.silu(told))
    return _conv(state, "out_conv", F.silu(_group_norm(state, "out_norm", x)))


def edm_block(state: State, at: str, x: Tensor, told: Tensor) -> Tensor:
    way = at.rpartition("_")[2]
    y = _conv(state, f"{at}.conv0", _filtered(F.silu(_group_norm(state, f"{at}.norm0", x)), way))
    scale, shift = _linear(state)(f"{at}.affine", told)[..., None, None].chunk(2, dim=1)
    y = _conv(state, f"{at}.conv1", F.silu(torch.addcmul(shift, _group_norm(state, f"{at}.norm1", y), scale + 1)))
    x = _filtered(x, way)
    x = y + (_conv(state, f"{at}.skip", x) if f"{at}.skip.weight" in state else x)
    if f"{at}.qkv.weight" not in state:
        return x
    heads = x.shape[1] // 64
    qkv = _conv(state, f"{at}.qkv", _group_norm(state, f"{at}.norm2", x))
    q, k, v = qkv.reshape(len(x) * heads, 64, 3, -1).unbind(2)
    weights = torch.einsum("ncq,nck->nqk", q, k / 8).softmax(2)
    mixed = torch.einsum("nqk,nck->ncq", weights, v).reshape(x.shape)
    return _conv(state, f"{at}.proj", mixed) + x


def _filtered(x: Tensor, way: str) -> Tensor:
    """Resampling by convolutions with the stored filter, whose four weights are a quarter."""
    kernel = torch.full((x.shape[1], 1, 2, 2), 0.25)
    if way == "down":
        return F.conv2d(x, kernel, groups=x.shape[1], stride=2)
    return F.conv_transpose2d(x, 4 * kernel, groups=x.shape[1], stride=2) if way == "up" else x


# What they share


def sinusoids(t: Tensor, length: int) -> Tensor:
    omega = torch.exp(-math.log(10000) * torch.arange(length // 2) / (length // 2))
    angle = t[:, None] * omega
    return torch.cat([angle.cos(), angle.sin()], dim=1).to(t.dtype)


def _with_biases(layers: Shapes, norms: Mapping[str, int] | None = None) -> Shapes:
    shapes: Shapes = {f"{name}.weight": shape for name, shape in layers.items()}
    shapes |= {f"{name}.bias": shape[:1] for name, shape in layers.items()}
    return shapes | {f"{name}.{leaf}": (size,) for name, size in (norms or {}).items() for leaf in ("weight", "bias")}


def _linear(state: State) -> Callable[[str, Tensor], Tensor]:
    return lambda name, x: F.linear(x, state[f"{name}.weight"], state[f"{name}.bias"])


def _conv(state: State, name: str, x: Tensor, stride: int = 1) -> Tensor:
    weight = state[f"{name}.weight"]
    return F.conv2d(x, weight, state[f"{name}.bias"], stride=stride, padding=weight.shape[-1] // 2)


def _group_norm(state: State, name: str, x: Tensor) -> Tensor:
    return F.group_norm(x, 32, state[f"{name}.weight"], state[f"{name}.bias"])


def _resized(x: Tensor, way: str) -> Tensor:
    if way == "down":
        return F.avg_pool2d(x, 2)
    return x.repeat_interleave(2, 2).repeat_interleave(2, 3) if way == "up" else x


# DDPM's ports to PyTorch


def ddpm_shapes(base: int, factors: Sequence[int], blocks: int, attended: Sequence[int], *, inputs: int = 3) -> Shapes:
    """Levels are numbered from the largest; ``attended`` are those with attention."""
    layers: Shapes = {"temb.dense.0": (4 * base, base), "temb.dense.1": (4 * base, 4 * base)}
    layers |= {"conv_in": (base, inputs, 3, 3), "norm_out": (base,), "conv_out": (inputs, base, 3, 3)}

    def block(name: str, c_in: int, c_out: int) -> None:
        layers.update({f"{name}.norm1": (c_in,), f"{name}.conv1": (c_out, c_in, 3, 3)})
        layers.update({f"{name}.temb_proj": (c_out, 4 * base), f"{name}.norm2": (c_out,)})
        layers[f"{name}.conv2"] = (c_out, c_out, 3, 3)
        if c_in != c_out:
            layers[f"{name}.nin_shortcut"] = (c_out, c_in, 1, 1)

    def attention(name: str, c: int) -> None:
        layers[f"{name}.norm"] = (c,)
        layers.update({f"{name}.{part}": (c, c, 1, 1) for part in ("q", "k", "v", "proj_out")})

    widths, width, skips = [base * factor for factor in factors], base, [base]
    for level, out in enumerate(widths):
        for index in range(blocks):
            block(f"down.{level}.block.{index}", width, out)
            if level in attended:
                attention(f"down.{level}.attn.{index}", out)
            width = out
            skips.append(width)
        if level < len(widths) - 1:
            layers[f"down.{level}.downsample.conv"] = (width, width, 3, 3)
            skips.append(width)
    block("mid.block_1", width, width)
    attention("mid.attn_1", width)
    block("mid.block_2", width, width)
    for level, out in reversed(list(enumerate(widths))):
        for index in range(blocks + 1):
            block(f"up.{level}.block.{index}", width + skips.pop(), out)
            if level in attended:
                attention(f"up.{level}.attn.{index}", out)
            width = out
        if level:
            layers[f"up.{level}.upsample.conv"] = (width, width, 3, 3)
    return _with_biases(layers)


def ddpm_unet(state: State, x: Tensor, t: Tensor, groups: int = 32) -> Tensor:
    """Ho et al., 2020, appendix B: time is added between the convolutions, attention has one head."""

    def norm(name: str, y: Tensor) -> Tensor:
        return F.group_norm(y, groups, state[f"{name}.weight"], state[f"{name}.bias"], eps=1e-6)

    def conv(name: str, y: Tensor, **keys: int) -> Tensor:
        padding = (state[f"{name}.weight"].shape[-1] - 1) // 2
        return F.conv2d(y, state[f"{name}.weight"], state[f"{name}.bias"], **{"padding": padding, **keys})

    def linear(name: str, y: Tensor) -> Tensor:
        return F.linear(y, state[f"{name}.weight"], state[f"{name}.bias"])

    def block(name: str, y: Tensor) -> Tensor:
        z = conv(f"{name}.conv1", F.silu(norm(f"{name}.norm1", y)))
        z = z + linear(f"{name}.temb_proj", F.silu(embedding))[:, :, None, None]
        z = conv(f"{name}.conv2", F.silu(norm(f"{name}.norm2", z)))
        return z + (conv(f"{name}.nin_shortcut", y) if f"{name}.nin_shortcut.weight" in state else y)

    def attention(name: str, y: Tensor) -> Tensor:
        if f"{name}.q.weight" not in state:
            return y
        z = norm(f"{name}.norm", y)
        q, k, v = (conv(f"{name}.{part}", z).flatten(2) for part in "qkv")
        weights = (q.transpose(1, 2) @ k * q.shape[1] ** -0.5).softmax(-1)
        return y + conv(f"{name}.proj_out", (v @ weights.transpose(1, 2)).view_as(y))

    def count(pattern: str) -> int:
        return len({name.split(".")[pattern.count(".")] for name in state if name.startswith(pattern)})

    half = state["conv_in.weight"].shape[0] // 2
    angle = t[:, None] * torch.exp(-math.log(1e4) * torch.arange(half) / (half - 1))
    embedding = linear("temb.dense.0", torch.cat([angle.sin(), angle.cos()], dim=1))
    embedding = linear("temb.dense.1", F.silu(embedding))
    y = conv("conv_in", x)
    skips, levels, blocks = [y], count("down."), count("down.0.block.")
    for level in range(levels):
        for index in range(blocks):
            y = attention(f"down.{level}.attn.{index}", block(f"down.{level}.block.{index}", y))
            skips.append(y)
        if level < levels - 1:
            y = conv(f"down.{level}.downsample.conv", F.pad(y, (0, 1, 0, 1)), stride=2, padding=0)
            skips.append(y)
    y = block("mid.block_2", attention("mid.attn_1", block("mid.block_1", y)))
    for level in reversed(range(levels)):
        for index in range(blocks + 1):
            y = block(f"up.{level}.block.{index}", torch.cat([y, skips.pop()], dim=1))
            y = attention(f"up.{level}.attn.{index}", y)
        if level:
            y = conv(f"up.{level}.upsample.conv", F.interpolate(y, scale_factor=2, mode="nearest"))
    return conv("conv_out", F.silu(norm("norm_out", y)))
