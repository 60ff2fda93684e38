"""Boosting: a small latent of a text-to-image pipeline, lifted by a flow, decoded once, written."""

import json
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch

from cfmrestore._version import __version__
from cfmrestore.datasets.latent_files import pack, read_latent
from cfmrestore.engine.panels import to_pixels, write_png
from cfmrestore.hub import file_digest
from cfmrestore.imageio.atomic import atomic, write_text
from cfmrestore.ldm import LatentPipeline
from cfmrestore.ldm.boost_jobs import BoostFiles, BoostJob, latent_metadata
from cfmrestore.ops.resize import resize
from cfmrestore.restore import Restorer, Settings
from cfmrestore.typing import Latent

_FORMAT = 1


_SETTINGS = ("steps", "guidance_scale", "negative_prompt", "height", "width")


class BoostBatch(list[BoostJob]):
    """Jobs that are done together."""

    def __str__(self) -> str:
        return f"{self[0]} and {len(self) - 1} more" if len(self) > 1 else str(self[0])


@dataclass
class Booster:
    """Makes the pictures of a batch: latents are drawn or read, lifted, and written with how they were made.

    Args:
        files: Where results go.
        source: The pipeline's folder or id; None where latents are read.
        model: The checkpoint; None where only latents are made.
        num_intervals: Of the flow's grid; None for the checkpoint's.
        device: For both.
        precision: For both.
        encoder_path: Where the weights of the flow's encoder lie; None where the checkpoint says, or else in the
            pipeline.
    """

    files: BoostFiles
    source: str | None
    model: Path | None
    num_intervals: int | None
    device: str
    precision: str
    encoder_path: str | None
    restorer: Restorer | None = None
    pipeline: LatentPipeline | None = None

    def load(self) -> None:
        """Read pipeline and flow, and hold one against the other."""
        if self.source is not None:
            self.pipeline = LatentPipeline.from_pretrained(self.source, device=self.device, precision=self.precision)
        if self.model is not None:
            self.restorer = self.open_flow(self.model)
            if self.pipeline is not None:
                self.pipeline.check_space(self.restorer.flow.encoder)

    def open_flow(self, model: Path) -> Restorer:
        """The flow; a checkpoint from elsewhere may name a place of its encoder that is not here."""
        read = partial(Restorer.from_pretrained, model, device=self.device, precision=self.precision)
        if self.encoder_path:
            return read(encoder={"path": self.encoder_path})
        try:
            return read()
        except ValueError as error:
            if self.pipeline is None:
                raise
            try:
                return read(encoder={"path": str(self.pipeline.folder), "subfolder": "vae"})
            except ValueError:
                raise error from None

    @cached_property
    def encoder(self) -> str:
        """Digest of the latent space."""
        if self.restorer is not None:
            return self.restorer.flow.encoder.digest()
        assert self.pipeline is not None
        return self.pipeline.own_encoder().digest()

    @cached_property
    def lifted(self) -> dict[str, Any]:
        """What decides how a latent is lifted."""
        name, digest = (None, None) if self.model is None else (str(self.model), file_digest(self.model))
        settings = {"num_intervals": self.num_intervals, "lift_precision": self.precision}
        return {"model": name, "model_sha256": digest, **settings}

    def recipe(self, job: BoostJob) -> dict[str, Any]:
        """What decides how a picture comes out."""
        return {"format": _FORMAT, **latent_metadata(job.info), **self.lifted}

    def __call__(self, jobs: BoostBatch) -> None:
        latents = self.latents(jobs)
        for job, latent in zip(jobs, latents, strict=True):
            if path := self.files.of(job).get("latent"):
                with atomic(path) as unfinished:
                    unfinished.write_bytes(pack(latent, replace(job.info, encoder=self.encoder)))
        if self.restorer is not None:
            self.lift(self.restorer, jobs, latents)

    def latents(self, jobs: BoostBatch) -> Latent:
        """Drawn, or read, if they are of the flow's own space."""
        if self.pipeline is not None:
            settings = {key: jobs[0].info.settings[key] for key in _SETTINGS}
            return self.pipeline([job.info.prompt for job in jobs], [job.info.seed for job in jobs], **settings)
        latents = []
        for job in jobs:
            assert job.latent is not None
            latent, info = read_latent(job.latent)
            if info.encoder != self.encoder:
                raise ValueError(f"{job.latent} is of the encoder {info.encoder}, the flow is of {self.encoder}")
            latents.append(latent)
        return torch.stack(latents).to(self.device)

    def lift(self, restorer: Restorer, jobs: BoostBatch, latents: Latent) -> None:
        """Restore, and write the sidecars last: a picture with a sidecar is whole."""
        images = restorer.lift(latents, [job.info.seed for job in jobs], num_intervals=self.num_intervals)
        nfe = restorer.nfe(Settings(num_intervals=self.num_intervals))
        result = {"encoder": self.encoder, "nfe": nfe, "size": list(images.shape[-2:]), "version": __version__}
        for job, latent, image in zip(jobs, latents, images, strict=True):
            files = self.files.of(job)
            files["sidecar"].unlink(missing_ok=True)
            write_png(files["picture"], to_pixels(image))
            if path := files.get("bicubic"):
                small = restorer.flow.encoder.decode(latent[None]).float().clamp(0, 1)
                write_png(path, to_pixels(resize(small, scale=restorer.scale)[0]))
            sidecar = {**self.recipe(job), **result}
            write_text(files["sidecar"], json.dumps(sidecar, indent=1, ensure_ascii=False) + "\n")
