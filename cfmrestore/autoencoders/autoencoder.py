"""Training of an autoencoder: the space for flows of one's own."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from mmengine.dist import all_reduce
from torch import Tensor

from cfmrestore.encoders.conv_autoencoder import ConvAutoencoder
from cfmrestore.flows.losses.base import PictureLoss, per_image
from cfmrestore.flows.trained_model import TrainedModel
from cfmrestore.ops.pad import crop_to, pad_to_multiple
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import LOSSES, MODELS
from cfmrestore.typing import Image

Config = dict[str, Any]
_PIXELS: dict[str, Callable[[Tensor], Tensor]] = {"l1": torch.abs, "mse": torch.square}
_BATCHES = 100  # over which the statistics of latents are averaged


@MODELS.register_module()
class Autoencoder(TrainedModel):
    r"""Images through few numbers and back; with ``kl`` a variational autoencoder.

    .. math::
        L = |D(z) - x| + \sum_i w_i L_i(D(z), x) + \frac{\beta}{2} (\mu^2 + \sigma^2 - 1 - \log \sigma^2),
        \qquad z = E(x) \text{ or } z \sim N(\mu, \sigma^2), \; (\mu, \log \sigma^2) = E(x)

    Terms are means over all numbers of an image, or of its latent; there is no discriminator. Mean and mean square of
    the latents are averaged over some 100 batches and kept with the weights: ``TrainedAutoencoder`` standardizes by
    them. In evaluation the restoration of an image is its reconstruction from the mode.

    References: Kingma and Welling, 2014 (arXiv:1312.6114); Rombach et al., 2022, section 3.1 (arXiv:2112.10752).

    Args:
        channels, widths, blocks: As of ``ConvAutoencoder``; the factor is 2 to the number of widths.
        pixels: "l1" or "mse".
        loss: Losses that compare pictures: ``Perceptual``, ``Lattice``, ``Adversarial``.
        kl: Weight beta of the Kullback-Leibler divergence; None for a deterministic autoencoder.
        data_preprocessor: What makes batches.
    """

    latent_mean: Tensor
    latent_square: Tensor
    batches: Tensor

    def __init__(
        self,
        *,
        channels: int = 4,
        widths: Sequence[int] = (64, 128),
        blocks: int = 2,
        pixels: str = "l1",
        loss: Config | Sequence[Config] = (),
        kl: float | None = None,
        data_preprocessor: Config | None = None,
    ) -> None:
        super().__init__(data_preprocessor=MODELS.build(data_preprocessor or {"type": "RestorationPreprocessor"}))
        if pixels not in _PIXELS or (kl is not None and kl < 0):
            raise ValueError(f"pixels is one of {', '.join(_PIXELS)}, kl 0 or more or None; got {pixels!r} and {kl}")
        self.autoencoder = ConvAutoencoder(
            channels=channels, widths=widths, blocks=blocks, variational=kl is not None
        ).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.pixels, self.kl = pixels, kl
        self.losses: list[PictureLoss] = []
        for one in [loss] if isinstance(loss, dict) else loss:
            built = LOSSES.build(one)
            if not isinstance(built, PictureLoss) or built.needs_flow_map:
                raise ValueError(
                    "the losses of an Autoencoder compare two pictures: Perceptual, Lattice or Adversarial without "
                    f"steps; got {one}"
                )
            self.losses.append(built)
        # A tuple, so that torch does not see modules in it: what a loss looks through is neither trained nor saved.
        self._frozen = tuple(one.frozen for one in self.losses if one.frozen is not None)
        for name in ("latent_mean", "latent_square"):
            self.register_buffer(name, torch.zeros(()))
        self.register_buffer("batches", torch.zeros((), dtype=torch.int64))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "Autoencoder":
        super()._apply(fn, recurse)
        for module in self._frozen:
            module._apply(fn)
        return self

    def forward(
        self, inputs: dict[str, Tensor], data_samples: list[dict[str, Any]] | None = None, mode: str = "tensor"
    ) -> Any:
        """mmengine's contract: "loss" for training, "predict" for evaluation, "tensor" for the images."""
        if "high" not in inputs:
            raise ValueError(f"an Autoencoder is trained on images; this data gives {', '.join(sorted(inputs))}")
        if mode == "loss":
            return self.loss(inputs["high"], inputs["seeds"])
        with torch.no_grad():
            images = self.reconstruct(inputs["high"])
        if mode == "tensor":
            return images
        if mode == "predict":
            samples = data_samples or [{}] * len(images)
            pairs = zip(samples, images.cpu(), inputs["high"].cpu(), strict=True)
            return [{**sample, "restored": image, "target": target} for sample, image, target in pairs]
        raise ValueError(f"unknown mode {mode!r}; known are loss, predict, tensor")

    def reconstruct(self, image: Image) -> Image:
        """Images of any size through the autoencoder, by the mode."""
        padded = pad_to_multiple(image, self.autoencoder.downscale).contiguous(memory_format=torch.channels_last)
        mean, _ = self.autoencoder.split(self.autoencoder.encode(padded))
        decoded = self.autoencoder.decode(mean).float()
        return crop_to(decoded, (image.shape[-2], image.shape[-1])).clamp(0, 1)

    def loss(self, image: Image, seeds: Tensor) -> dict[str, Tensor]:
        """The losses of one batch, by name."""
        rng = ImageRng(seeds).fork("autoencoder")
        factor = self.autoencoder.downscale
        if image.shape[-2] % factor or image.shape[-1] % factor:
            raise ValueError(f"crops have sides that are multiples of {factor}; got {tuple(image.shape[-2:])}")
        image = image.contiguous(memory_format=torch.channels_last)
        moments = self.autoencoder.encode(image).float()
        latent, log_variance = self.autoencoder.split(moments)
        losses = {}
        if log_variance is not None:
            divergence = (latent.square() + log_variance.exp() - 1 - log_variance) / 2
            losses["loss_kl"] = (self.kl or 0.0) * divergence.mean()
            latent = latent + (log_variance / 2).exp() * rng.normal(*latent.shape[1:]).to(latent)
        self._measure(latent)
        decoded = self.autoencoder.decode(latent).float()
        with torch.autocast(image.device.type, enabled=False):
            losses[f"loss_{self.pixels}"] = per_image(_PIXELS[self.pixels](decoded - image)).mean()
            for one in self.losses:
                losses[f"loss_{type(one).__name__.lower()}"] = one.weight * one.compare(decoded, image, rng).mean()
        return losses

    @torch.no_grad()
    def _measure(self, latent: Tensor) -> None:
        """Moving averages of mean and mean square, the same on every rank."""
        found = torch.stack([latent.mean(), latent.square().mean()])
        all_reduce(found, "mean")
        is_finite = found.isfinite().all()  # where not, the step is skipped
        self.batches += is_finite
        share = is_finite / self.batches.clamp(1, _BATCHES)
        found = found.nan_to_num(0.0, 0.0, 0.0)
        self.latent_mean.lerp_(found[0], share)
        self.latent_square.lerp_(found[1], share)
