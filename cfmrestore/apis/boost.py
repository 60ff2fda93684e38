"""Large pictures from prompts: a small latent of a text-to-image pipeline, lifted by a flow, decoded once."""

from collections.abc import Sequence
from pathlib import Path

from cfmrestore.engine.distributed import device_of_process
from cfmrestore.engine.jobs import run_jobs
from cfmrestore.ldm.boost_jobs import BoostFiles, batches, jobs_of_latents, jobs_of_prompts
from cfmrestore.ldm.booster import BoostBatch, Booster
from cfmrestore.restore.stages import find_model


def boost(
    prompts: Sequence[str] = (),
    *,
    pipeline: str | None = None,
    model: str | None = None,
    out: str | Path | None = None,
    from_latents: str | Path | None = None,
    save_latents: str | Path | None = None,
    seed: int = 0,
    samples: int = 1,
    steps: int | None = None,
    guidance_scale: float | None = None,
    negative_prompt: str | None = None,
    height: int | None = None,
    width: int | None = None,
    num_intervals: int | None = None,
    batch: int = 1,
    compare: bool = False,
    device: str = "auto",
    precision: str = "auto",
    encoder: str | None = None,
    overwrite: bool = False,
    part: tuple[int, int] = (0, 1),
) -> list[Path]:
    """Make pictures, latents or both; returns the files of this process, those that were there already included.

    A picture's seed comes from (seed, prompt, sample): however the work is split or batched it is the same, up to the
    rounding of the precision, and another prompt before it does not change it. What is there, and was made in the same
    way, is kept.

    Args:
        prompts: Texts, each once.
        pipeline: A folder with a text-to-image pipeline of diffusers, or a hub id.
        model: A checkpoint of a flow in the latents of that pipeline; without, only latents are made.
        out: Folder for the pictures, or a ``.png`` file for a single one; a ``.json`` beside each says how it was made.
        from_latents: Folder of latents to lift, in place of prompts and a pipeline.
        save_latents: Folder for the small latents; a LatentFolder reads them for training.
        seed: Another one makes other pictures.
        samples: Pictures a prompt.
        steps: Of the pipeline's scheduler; by default the pipeline's.
        guidance_scale: By default the pipeline's.
        negative_prompt: The same for all.
        height: Of the small picture; by default the pipeline's.
        width: Of the small picture; by default the pipeline's.
        num_intervals: Of the flow's grid; by default the checkpoint's.
        batch: Pictures at a time.
        compare: Write the small picture too, decoded and enlarged bicubically.
        device: "auto" takes the GPU of this process where there is one.
        precision: "auto", "fp32", "bf16" or "fp16", for the pipeline and the flow.
        encoder: Where the weights of the flow's encoder lie; by default where the checkpoint says, or else in the
            pipeline. Its checksum decides.
        overwrite: Make again what is there.
        part: (i, n) does the i-th of n shares of the pictures.
    """
    if bool(prompts) == (from_latents is not None) or (pipeline is None) != (from_latents is not None):
        raise ValueError("give prompts with a pipeline (--pipeline), or a folder of latents (--from-latents)")
    if (model is None) != (out is None) or (model is None and (compare or save_latents is None)):
        raise ValueError("give a model and out for pictures (--model, --out), or save_latents alone for latents")
    if from_latents is not None and save_latents is not None:
        raise ValueError("the latents are there already: leave save_latents (--save-latents) out")
    if samples < 1 or batch < 1:
        raise ValueError(f"samples and batch must be 1 or more; got {samples=}, {batch=}")
    drawn = {"steps": steps, "guidance_scale": guidance_scale, "negative_prompt": negative_prompt}
    drawn |= {"height": height, "width": width, "precision": precision}
    if from_latents is None:
        jobs = jobs_of_prompts(prompts, pipeline=str(pipeline), seed=seed, samples=samples, settings=drawn)
    else:
        jobs = jobs_of_latents(from_latents)
    files = BoostFiles(Path(out) if out else None, Path(save_latents) if save_latents else None, compare)
    files.check(jobs)
    # A work directory stands for its newest checkpoint of now, which is what a sidecar has to name.
    checkpoint = None if model is None else find_model(model)
    booster = Booster(files, pipeline, checkpoint, num_intervals, device_of_process(device), precision, encoder)
    share = jobs[part[0] :: part[1]]
    missing = [job for job in share if overwrite or not files.done(job, booster.recipe(job))]
    if missing:
        booster.load()
        run_jobs(booster, [BoostBatch(alike) for alike in batches(missing, batch)])
    return [next(iter(files.of(job).values())) for job in share]
