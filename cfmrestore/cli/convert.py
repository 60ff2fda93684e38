"""Make a model of released weights of LFM, DiT, SiT, FMBoost, DDPM, ADM or diffusers; gather a checkpoint's shards.

What is written draws pictures with "cfmrestore sample"; FMBoost's restores with "cfmrestore restore". Nothing in the
checkpoint is executed. Give --encoder the folder of the autoencoder (Stable Diffusion's, which the first four use):

  cfmrestore convert lfm model_475.pth lfm-celebahq.safetensors --encoder weights/sd-vae-ft-mse
  cfmrestore sample lfm-celebahq.safetensors --count 16

lfm: its transformers and its convolutional networks, EDM's and guided diffusion's, told by their tensors' names.
dit: DiT-XL/2, which predicts noise: sampled by DDIM. sit: SiT. fmboost: a checkpoint of its trainer.
ddpm: DDPM's ports to PyTorch, of pixels (CelebA-HQ, LSUN). adm: guided diffusion's and improved DDPM's networks of
pixels (FFHQ, AFHQ). All three predict noise on the linear schedule, unless --schedule and --prediction say otherwise.
diffusers: a folder with a UNet2DModel and its scheduler_config.json.

A checkpoint of a training that divides its weights (strategy "fsdp") becomes one file, and a file shards:

  cfmrestore convert checkpoint work_dirs/run/iter_1000 iter_1000.pth
  cfmrestore convert checkpoint iter_1000.pth iter_1000
"""

import argparse

from cfmrestore.cli import common

READS = ("file",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "format",
        choices=("lfm", "dit", "sit", "fmboost", "ddpm", "adm", "diffusers", "checkpoint"),
        help="the project; checkpoint is of this one",
    )
    parser.add_argument("file", help="its checkpoint, or weights as safetensors; of diffusers and of shards the folder")
    parser.add_argument("out", help="the .safetensors to write; of a checkpoint the .pth, or the folder of shards")
    common.add_overwrite_flag(parser)
    parser.add_argument("--weights", choices=("ema", "model"), help="of a file with both (default: ema)")
    parser.add_argument("--encoder", metavar="PATH", help="folder or hub id of the autoencoder")
    parser.add_argument("--image-size", type=int, metavar="PIXELS", help="side of the images (default: as trained)")
    parser.add_argument("--heads", type=int, help="attention heads, where they are not the published ones")
    tables = ("linear", "scaled_linear", "cosine", "squared_cosine")
    parser.add_argument("--schedule", choices=tables, help="noise table of dit, ddpm and adm (default: linear)")
    kinds = ("noise", "velocity", "data")
    parser.add_argument("--prediction", choices=kinds, help="of dit, ddpm and adm (default: noise)")


def run(args: argparse.Namespace) -> None:
    from cfmrestore.apis.convert import convert

    file = convert(**common.keywords(args))
    size = sum(one.stat().st_size for one in (file.iterdir() if file.is_dir() else [file]))
    common.say(f"{file}, {size / 2**20:.1f} MiB")
