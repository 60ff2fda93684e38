"""Measure what things cost.

Against their floor or a peer, in turn in one run.
"""

import argparse
from importlib import import_module

from cfmrestore.cli import common


def add_arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="benchmark", metavar="BENCHMARK", required=True)
    for function, name, summary in (
        (_add_train, "train", "the runner's iterations against bare steps, in turn"),
        (_add_ranks, "ranks", "processes that train together against as many that train alone, with a core each"),
        (_add_degrade, "degrade", "Real-ESRGAN's chain against basicsr's, and every operator"),
        (_add_metrics, "metrics", "PSNR with SSIM, and NIQE, against basicsr's"),
        (_add_network, "network", "an evaluation of a network, and a step of its training, by precision and layout"),
        (_add_restore, "restore", "from file to file: what is spent outside of the network; memory"),
        (_add_choice, "choice", "what restore --model auto loses to the best model for each photograph, in dB"),
        (_add_backends, "backends", "a restoration by torch, torch compiled, ONNX Runtime and OpenVINO, in turn"),
        (_add_floor, "floor", "a network beside its layers alone, on the same shapes; compiled, and in bfloat16"),
        (_add_sampling, "sampling", "what many evaluations cost outside of the network"),
        (_add_profile, "profile", "the dearest parts and operators of a training and of a sampling"),
        (_add_all, "all", "all of these, in one JSON file"),
        (_add_page, "page", "the figures of all, in a page"),
        (_add_scaling, "scaling", "what a training costs on 1 to 1,024 GPUs, by a model"),
    ):
        command = commands.add_parser(name, help=summary, description=summary)
        function(command)
        if name in ("train", "degrade", "metrics", "restore"):
            busy = "measure all again beside N processes that keep a core each busy (default: 1; 0 leaves that out)"
            command.add_argument("--busy", type=int, default=1, metavar="N", help=busy)
        if name not in ("all", "page"):
            command.add_argument("--out", metavar="FILE.json", help="write the figures")


def run(args: argparse.Namespace) -> None:
    keys = common.keywords(args)
    keys.pop("launcher", None)  # one process is measured
    name = keys.pop("benchmark")
    getattr(import_module(f"cfmrestore.analysis.benchmarks.{name}"), f"benchmark_{name}")(**keys)


def _add_train(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", nargs="?", default="cfmrestore::cfm_realsr_tiny.py")
    parser.add_argument("--iterations", type=int, default=60)
    common.add_config_flags(parser)


def _add_ranks(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", nargs="?", default="cfmrestore::cfm_realsr_tiny.py")
    parser.add_argument("--ranks", type=int, default=2, metavar="N", help="processes (default: 2)")
    words = ("ddp", "zero1", "fsdp")
    parser.add_argument("--strategies", nargs="+", choices=words, default=["ddp"], help="default: ddp")
    parser.add_argument("--iterations", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    common.add_key_values(parser, "--cfg-options", help="change keys of the config")


def _add_degrade(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("photographs", nargs="?", default="data/photographs/train", help="a folder of images")
    parser.add_argument("--rounds", type=int, default=160)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--side", type=int, default=256)


def _add_metrics(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", nargs="?", default="data/photographs/train", help="of images")
    parser.add_argument("--rounds", type=int, default=5)


def _add_network(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", nargs="?", default="cfmrestore::cfm_x4.py")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="default: cpu")
    parser.add_argument("--side", type=int, default=64, help="of the latents (default: 64)")
    parser.add_argument("--batches", nargs="+", type=int, default=[1], metavar="N", help="default: 1")
    precisions, runs = ("fp32", "tf32", "bf16"), ("eager", "graph", "compile")
    parser.add_argument("--precisions", nargs="+", choices=precisions, default=["fp32", "bf16"])
    parser.add_argument("--runs", nargs="+", choices=runs, default=["eager"], help="default: eager")
    parser.add_argument("--no-train", dest="train", action="store_false", help="leave the steps of training out")
    parser.add_argument("--rounds", type=int, default=20)
    common.add_key_values(parser, "--cfg-options", help="change keys of the config")


def _add_restore(parser: argparse.ArgumentParser) -> None:
    model = "a checkpoint, or an untrained config"
    parser.add_argument("model", nargs="?", default="cfmrestore::cfm_realsr.py", help=model)
    parser.add_argument("--side", type=int, default=1024, help="of the result, in pixels (default: 1024)")
    memory = "measure peak memory at these"
    parser.add_argument("--memory", dest="sides", nargs="*", type=int, default=[], metavar="SIDE", help=memory)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--num-intervals", type=int, metavar="N")
    parser.add_argument("--tile", type=common.tile, default="auto", metavar="PIXELS", help="default: auto")


def _add_choice(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("photographs", nargs="?", default="data/photographs/held_out", help="a folder of images")
    parser.add_argument("--split", default="all", help="of the photographs: all, train or held_out")
    parser.add_argument("--count", type=int, default=200, metavar="N", help="photographs (default: 200)")
    scale = "how many times they are shrunk, and enlarged again (default: 4)"
    parser.add_argument("--scale", type=int, default=4, metavar="N", help=scale)
    parser.add_argument("--side", type=int, default=288, metavar="PIXELS", help="of their middles (default: 288)")
    parser.add_argument("--seed", type=int, default=0, help="of what is done to them (default: 0)")
    kinds = ["shrunk", "JPEG", "noise", "blur", "blur, JPEG", "noise, JPEG"]
    parser.add_argument("--kinds", nargs="+", default=kinds, metavar="KIND", help=f"default: {'; '.join(kinds)}")
    models = "bundled models beside those that are chosen from"
    parser.add_argument("--models", nargs="+", default=[], metavar="NAME", help=models)


def _add_backends(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", nargs="?", default="cfm-realsr-x4")
    parser.add_argument("--backends", nargs="+", metavar="NAME", help="default: all")
    parser.add_argument("--side", type=int, default=512, help="of the result, in pixels (default: 512)")
    parser.add_argument("--rounds", type=int, default=7)


def _add_latents(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", nargs="?", default="cfmrestore::cfm_x4.py")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="default: cpu")
    parser.add_argument("--side", type=int, default=32, help="of the latents (default: 32)")
    parser.add_argument("--batch", type=int, default=1, help="latents (default: 1)")
    parser.add_argument("--rounds", type=int, default=7)
    common.add_key_values(parser, "--cfg-options", help="change keys of the config")


def _add_floor(parser: argparse.ArgumentParser) -> None:
    _add_latents(parser)
    parser.add_argument("--precisions", nargs="+", choices=("fp32", "bf16"), default=["fp32", "bf16"])
    runs = "of evaluations: as they are, compiled by blocks, compiled whole"
    parser.add_argument("--runs", nargs="+", choices=("eager", "blocks", "compile"), default=["eager"], help=runs)


def _add_sampling(parser: argparse.ArgumentParser) -> None:
    _add_latents(parser)
    parser.add_argument("--num-intervals", type=int, default=20, metavar="N", help="evaluations (default: 20)")


def _add_profile(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", nargs="?", default="cfmrestore::cfm_realsr_tiny.py")
    parser.add_argument("--iterations", type=int, default=10, help="training steps (default: 10)")
    common.add_config_flags(parser)


def _add_all(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("photographs", nargs="?", default="data/photographs/train", help="a folder of images")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="default: cpu")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--work-dir", default="work_dirs/benchmark", help="where logs go")
    parts = ("floors", "compiled", "samplings", "profile", "degrade", "metrics", "restore", "train", "ranks")
    parser.add_argument("--only", nargs="+", choices=parts, help="some of the benchmarks")
    parser.add_argument("--out", metavar="FILE.json", default="work_dirs/benchmark/speed.json")


def _add_page(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("results", metavar="FILE.json", help="what all wrote")
    marks = "with the marks <!-- speed: begin --> and end (default: docs/speed.md)"
    parser.add_argument("--page", default="docs/speed.md", help=marks)


def _add_scaling(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("gpus", nargs="*", type=int, default=[1, 8, 16, 64, 256, 1024], help="numbers of GPUs")
    parser.add_argument("--page", metavar="FILE.md", help="with the marks <!-- scaling: begin --> and end")
    parser.add_argument("--picture", metavar="FILE.png", help="efficiency by the number of GPUs")
