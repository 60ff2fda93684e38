"""Boosting: latents are drawn or read, lifted, and written with how they were made."""

import json
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cfmrestore._version import __version__
from cfmrestore.datasets.latent_files import pack, read_latent
from cfmrestore.engine.distributed import device_of_process
from cfmrestore.engine.panels import to_pixels, write_png
from cfmrestore.hub import file_digest
from cfmrestore.imageio.atomic import atomic, write_text
from cfmrestore.ldm.boost_jobs import BoostFiles, BoostJob, latent_metadata
from cfmrestore.ldm.latent_pipeline import LatentPipeline
from cfmrestore.ops.resize import resize
from cfmrestore.restore import Restorer, Settings
from cfmrestore.restore.stages import find_model
from cfmrestore.typing import Latent

_FORMAT = 1
_SETTINGS = ("steps", "guidance_scale", "negative_prompt", "height", "width")


class BoostBatch(list[BoostJob]):
    """Jobs that are done together."""

    def __str__(self) -> str:
        return f"{self[0]} and {len(self) - 1} more" if len(self) > 1 else str(self[0])


class Booster:
    """Makes the pictures of a batch.

    Args:
        files: Where results go.
        source: The pipeline's folder or id; None where latents are read.
        model: The checkpoint; None where only latents are made.
        num_intervals: Of the flow's grid; None for the checkpoint's.
        device: For both; "auto" takes the GPU of this process where there is one.
        precision: For both.
        encoder_path: Where the weights of the flow's encoder lie; None where the checkpoint says, or else in the
            pipeline.
    """

    restorer: Restorer | None = None
    pipeline: LatentPipeline | None = None

    def __init__(
        self,
        files: BoostFiles,
        source: str | None,
        model: str | None,
        num_intervals: int | None = None,
        device: str = "auto",
        precision: str = "auto",
        encoder_path: str | None = None,
    ) -> None:
        # A work directory stands for its newest checkpoint of now, which is what a sidecar has to name.
        self.model = None if model is None else str(find_model(model))
        self.files, self.source, self.precision = files, source, precision
        self.encoder_path, self.settings = encoder_path, Settings(num_intervals=num_intervals)
        self.device = device_of_process(device)
        weights = None if self.model is None else file_digest(Path(self.model))
        self.lifted = {"model": self.model, "model_sha256": weights, "num_intervals": num_intervals}
        self.lifted["lift_precision"] = precision

    def load(self) -> None:
        """Read pipeline and flow, and hold one against the other."""
        if self.source is not None:
            self.pipeline = LatentPipeline.from_pretrained(self.source, device=self.device, precision=self.precision)
        if self.model is not None:
            self.restorer = self.open_flow(self.model)
        if self.restorer and self.pipeline:
            self.pipeline.check_space(self.restorer.flow.encoder)

    def open_flow(self, model: str) -> Restorer:
        """The flow; a checkpoint from elsewhere may name a place of its encoder that is not here."""
        keys = {"device": self.device, "precision": self.precision}
        try:
            return Restorer.from_pretrained(
                model, encoder={"path": self.encoder_path} if self.encoder_path else None, **keys
            )
        except ValueError as error:
            if self.pipeline is None or self.encoder_path:
                raise
            vae = {"path": str(self.pipeline.folder), "subfolder": "vae"}
            try:
                return Restorer.from_pretrained(model, encoder=vae, **keys)
            except ValueError:
                raise error from None

    @cached_property
    def encoder(self) -> str:
        """Digest of the latent space."""
        if self.restorer is not None:
            return self.restorer.flow.encoder.digest()
        assert self.pipeline is not None
        return self.pipeline.own_encoder().digest()

    def recipe(self, job: BoostJob) -> dict[str, Any]:
        """What decides how a picture comes out."""
        return {"format": _FORMAT, **latent_metadata(job.info), **self.lifted}

    def __call__(self, jobs: BoostBatch) -> None:
        latents = self.latents(jobs)
        for job, latent in zip(jobs, latents, strict=True):
            if path := self.files.latent(job):
                with atomic(path) as unfinished:
                    unfinished.write_bytes(pack(latent, replace(job.info, encoder=self.encoder)))
        if self.restorer is not None:
            self.lift(self.restorer, jobs, latents)

    def latents(self, jobs: BoostBatch) -> Latent:
        """Drawn, or read."""
        if self.pipeline is None:
            return torch.stack([self.read(job) for job in jobs]).to(self.device)
        settings = {key: jobs[0].info.settings[key] for key in _SETTINGS}
        return self.pipeline([job.info.prompt for job in jobs], [job.info.seed for job in jobs], **settings)

    def read(self, job: BoostJob) -> Tensor:
        """A stored latent, of the flow's own space."""
        assert job.latent is not None
        latent, info = read_latent(job.latent)
        if info.encoder != self.encoder:
            raise ValueError(f"{job.latent} is of the encoder {info.encoder}, the flow is of {self.encoder}")
        return latent

    def lift(self, restorer: Restorer, jobs: BoostBatch, latents: Latent) -> None:
        """Restore, and write the sidecars last: a picture with a sidecar is whole."""
        number = self.settings.num_intervals
        images = restorer.lift(latents, [job.info.seed for job in jobs], num_intervals=number)
        result = {
            "encoder": self.encoder,
            "nfe": restorer.nfe(self.settings),
            "size": list(images.shape[-2:]),
            "version": __version__,
        }
        for job, latent, image in zip(jobs, latents, images, strict=True):
            picture, sidecar = self.files.picture(job), self.files.sidecar(job)
            assert picture is not None
            assert sidecar is not None
            sidecar.unlink(missing_ok=True)
            write_png(picture, to_pixels(image))
            if path := self.files.bicubic(job):
                small = restorer.flow.encoder.decode(latent[None]).float().clamp(0, 1)
                write_png(path, to_pixels(resize(small, scale=restorer.scale)[0]))
            write_text(sidecar, json.dumps({**self.recipe(job), **result}, indent=1, ensure_ascii=False) + "\n")
