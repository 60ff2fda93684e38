"""Contract of encoders: sizes, images one by one, frozen weights, a digest that tells two apart."""

import copy

import torch
from torch import Tensor

from cfmrestore.contracts.base import Contract, close, require, shape
from cfmrestore.encoders.base import Encoder
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import ENCODERS


def images(encoder: Encoder, batch: int = 2) -> Tensor:
    """Of the smallest size that is no square."""
    m = encoder.downscale
    return torch.rand(batch, 3, 2 * m, 3 * m, generator=torch.Generator().manual_seed(1))


def stream(batch: int = 2) -> ImageRng:
    """A generator an image."""
    return ImageRng(range(batch))


def check_shapes(encoder: Encoder) -> None:
    """A latent has the declared channels and downscale, in float32; its picture has the image's size."""
    image = images(encoder)
    latent = encoder.encode(image, stream())
    height, width = (side // encoder.downscale for side in image.shape[-2:])
    require(
        latent.shape == (2, encoder.channels, height, width),
        f"of images {shape(image)} the latent is {shape(latent)}, and channels and downscale say "
        f"2x{encoder.channels}x{height}x{width}",
    )
    require(latent.dtype == torch.float32, f"latents are {latent.dtype}: return float32")
    decoded = encoder.decode(latent)
    require(decoded.shape == image.shape, f"images {shape(image)} come back as {shape(decoded)}")


def check_refuses_odd_sizes(encoder: Encoder) -> str | None:
    """Sides that are no multiples of downscale are one clear ValueError."""
    m = encoder.downscale
    if m == 1:
        return "it takes every size"
    for height, width in ((2 * m + 1, 2 * m), (2 * m, 3 * m - 1)):
        try:
            encoder.encode(torch.rand(1, 3, height, width), stream(1))
        except ValueError as error:
            told = f"multiples of {m}; got {height}x{width}"
            require(told in str(error), f"{height}x{width} ends in: {error}")
        else:
            require(False, f"encode takes {height}x{width}: leave encode as it is, it refuses it")
    return None


def check_images_are_independent(encoder: Encoder) -> None:
    """Moments of an image are the same again, and in any batch; so is what is drawn from them."""
    image = images(encoder, batch=3)
    moments = encoder.moments(image)
    require(torch.equal(moments, encoder.moments(image)), "moments of the same images differ: draw in sample")
    alone = torch.cat([encoder.moments(image[i : i + 1]) for i in range(3)])
    require(close(moments, alone), "moments of an image depend on the others of its batch")
    latent = encoder.sample(moments, stream(3))
    require(
        close(latent[2:], encoder.sample(moments[2:], ImageRng([2]))),
        "the draw of an image depends on its batch: draw from the rng that sample gets",
    )


def check_encode_is_sample_of_moments(encoder: Encoder) -> None:
    """encode(image) = sample(moments(image)), so that cached moments are worth as much."""
    image = images(encoder)
    require(
        close(encoder.encode(image, stream()), encoder.sample(encoder.moments(image), stream())),
        "encode is something else than sample(moments(image)): leave it as it is",
    )


def check_needs_no_generator(encoder: Encoder) -> str | None:
    """Where draws is False: the same latent with a generator and without."""
    if encoder.draws:
        return "it draws"
    moments = encoder.moments(images(encoder))
    require(torch.equal(encoder.sample(moments, None), encoder.sample(moments, stream())), "it draws: say draws = True")
    return None


def check_frozen(encoder: Encoder) -> None:
    """Training the flow around it neither changes its mode nor its weights."""
    encoder.train()
    require(not any(module.training for module in encoder.modules()), "train() trains it: leave it as it is")
    require(
        not any(parameter.requires_grad for parameter in encoder.parameters()),
        "its weights would be trained: call self.freeze() at the end of the constructor",
    )


def check_gradient_reaches_the_latent(encoder: Encoder) -> None:
    """decode passes gradients, which losses of pixels need."""
    latent = encoder.encode(images(encoder), stream()).requires_grad_()
    encoder.decode(latent).sum().backward()
    require(latent.grad is not None and latent.grad.abs().sum() > 0, "no gradient passes decode")


def check_digest(encoder: Encoder) -> None:
    """The digest is the same again, and another with another weight or scale."""
    changed = copy.deepcopy(encoder)
    require(changed.digest() == encoder.digest(), "a copy has another digest")
    for name, weight in changed.named_parameters():
        weight.data += 1e-3
        require(changed.digest() != encoder.digest(), f"another {name} has the same digest")
        weight.data -= 1e-3
    for name, value in (("scale", 1.5 * encoder.scale), ("shift", encoder.shift + 0.5)):
        changed = copy.deepcopy(encoder)
        setattr(changed, name, value)
        require(changed.digest() != encoder.digest(), f"another {name} has the same digest: it stands in extra_repr")


def check_standardization(encoder: Encoder) -> None:
    """raw(latent) undoes (raw - shift) * scale."""
    raw = torch.randn(2, encoder.channels, 3, 4, generator=torch.Generator().manual_seed(2))
    require(close(encoder.raw((raw - encoder.shift) * encoder.scale), raw), "raw does not undo the standardization")


def check_affine(encoder: Encoder) -> str | None:
    """Where affine is True: decode is a linear map of the latent, plus an image."""
    if not encoder.affine:
        return "affine is False"
    z = encoder.encode(images(encoder), stream())
    w = z.flip(-1)
    zero = encoder.decode(torch.zeros_like(z))
    linear = 2 * (encoder.decode(z) - zero) - 3 * (encoder.decode(w) - zero)
    require(close(encoder.decode(2 * z - 3 * w) - zero, linear), "it says affine = True, and decode is not")
    return None


def check_reach(encoder: Encoder) -> str | None:
    """Where reach says a distance: nothing that is farther away matters, of the image or of the latent."""
    if encoder.reach is None:
        return "reach is None: it sees far, and tiles overlap"
    far, m = 1 + encoder.reach, encoder.downscale
    for dim in (-1, -2):
        size = [2, 2]
        size[dim] = far + 1
        image = torch.rand(1, 3, size[0] * m, size[1] * m, generator=torch.Generator().manual_seed(3))
        other = image.clone()
        other.narrow(dim, far * m, m).mul_(0.5)
        near, moved = (encoder.moments(one).narrow(dim, 0, 1) for one in (image, other))
        require(close(near, moved), f"pixels {far} latent samples away matter, and reach says {encoder.reach}")
        latent = encoder.encode(image, stream(1))
        changed = latent.clone()
        changed.narrow(dim, far, 1).add_(0.5)
        near, moved = (encoder.decode(one).narrow(dim, 0, m) for one in (latent, changed))
        require(close(near, moved), f"a latent sample {far} away matters, and reach says {encoder.reach}")
    return None


CONTRACT = Contract(
    ENCODERS,
    Encoder,
    (
        check_shapes, check_refuses_odd_sizes, check_images_are_independent, check_encode_is_sample_of_moments,
        check_needs_no_generator, check_frozen, check_gradient_reaches_the_latent, check_digest, check_standardization,
        check_affine, check_reach,
    ),
    unchecked="how much its latents keep of an image: test.py's ceiling row measures it",
)  # fmt: skip
