"""Restore photographs of any kind and size.

Files, folders and patterns.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from cfmrestore.cli import common

INTERRUPTED = "interrupted; the same command goes on where it stopped"
_SETTINGS = (
    "scale", "seed", "fidelity", "num_intervals", "solver", "noise", "consistency", "color", "self_ensemble", "tile",
)  # fmt: skip
_SHARED = ("seed", "tile")
_TRAINED = {"samples": 1, "config": None, "options": None, "backend": "torch", "cuda_graphs": False}
_ZERO_SHOT = (
    "degradation", "known", "mask", "noise_level", "method", "steps", "label", "guidance", "boundary", "toward",
)  # fmt: skip

JSON = True

READS = ("inputs", "known", "mask", "boundary", "config")
MODELS = ("model",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="images, folders (searched deeply) and patterns")
    model = (
        "a bundled model, a checkpoint, a work directory, a chain's .py, or org/name of a hub, org/name@revision "
        "(default: the bundled one that a picture needs)"
    )
    parser.add_argument("--model", default="auto", metavar="PATH", help=model)
    parser.add_argument("--out", default="restored", metavar="PATH", help="a folder, or the file of one image")
    parser.add_argument("--scale", type=float, help="any positive number, at most 64 (default: the model's)")
    parser.add_argument("--seed", type=int, default=0, help="another one draws other detail")
    _add_zero_shot(parser.add_argument_group("a known degradation, undone by a flow that generates"))
    _add_look(parser.add_argument_group("how it looks"))
    _add_files(parser.add_argument_group("files"))
    _add_machine(parser.add_argument_group("the machine"))


def _add_zero_shot(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--degradation", metavar="NAME", help="a preset such as bicubic_x4 or gaussian_blur, or its path"
    )
    sidecar = "the sidecar that degrade wrote, or a folder of them; or parameters of --degradation"
    group.add_argument("--known", metavar="FILE.json", help=sidecar)
    group.add_argument(
        "--mask", metavar="FILE", help="of inpainting, in their place: white is a hole; or a folder of them"
    )
    level = "of the images, white is 1; pnp-flow does not use it"
    group.add_argument("--noise-level", type=float, metavar="S", help=level)
    group.add_argument("--method", metavar="NAME", help="flower (the default), pnp-flow or mmps")
    group.add_argument("--steps", type=int, metavar="N", help="of the method (default: its own)")
    group.add_argument("--label", type=int, metavar="CLASS", help="of the images, for a flow that is told one")
    group.add_argument("--guidance", type=float, metavar="F", help="scale of classifier-free guidance")
    along = "of an attribute, fitted with --time 1: the result goes along it as far as the input leaves it open"
    group.add_argument("--boundary", metavar="FILE", help=along)
    group.add_argument("--toward", type=float, metavar="SD", help="to which distance from it, in standard deviations")


def _add_look(group: argparse._ArgumentGroup) -> None:
    fidelity = "0 the most detailed, 1 the most faithful (default: the model's); 0,0.5,1 makes each"
    group.add_argument("--fidelity", type=common.numbers, metavar="F", help=fidelity)
    group.add_argument("--num-intervals", type=int, metavar="N", help="steps of the solver")
    group.add_argument("--solver", metavar="NAME", help="Euler, Heun, ...")
    group.add_argument("--noise", type=float, metavar="F", help="factor on the noise at the start")
    consistent = argparse.BooleanOptionalAction
    group.add_argument("--consistency", action=consistent, help="shrunk, the result equals the input")
    group.add_argument("--color", metavar="MODE", help="take the input's colors: mean, wavelet, adain, none")
    group.add_argument("--colour", action=common.RenamedFlag, present="--color")
    ensemble = "the mean over turns and mirrorings: closer, in eight times the time"
    group.add_argument("--self-ensemble", action="store_true", default=None, help=ensemble)
    samples = "results an image, and a map where they differ"
    group.add_argument("--samples", type=int, default=1, metavar="N", help=samples)


def _add_files(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--suffix", default="", help="what names of results end with, such as _x4")
    group.add_argument("--format", help="png, jpg, webp, avif or tif (default: the input's)")
    group.add_argument("--quality", type=int, default=95, help="of JPEG and WebP (default: 95)")
    behind = "lay pictures with transparency before it: white, '#204060', ..."
    group.add_argument("--background", metavar="COLOR", help=behind)
    group.add_argument("--overwrite", action="store_true", help="make results again that are there")


def _add_machine(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--tile", type=common.tile, default="auto", help="auto, pixels of the result a tile, or 0 for none"
    )
    group.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 ...")
    group.add_argument("--precision", default="auto", help="of the network: auto, fp32, bf16, fp16")
    backend = "torch, compiled, onnxruntime or openvino: who evaluates the network (default: torch)"
    group.add_argument("--backend", metavar="NAME", default="torch", help=backend)
    graphs = "on a GPU, replay recorded evaluations: for small tiles"
    group.add_argument("--cuda-graphs", action="store_true", help=graphs)
    group.add_argument("--threads", type=int, metavar="N", help="of each process on a CPU (default: all cores)")
    group.add_argument("--config", help="the model's config, for a checkpoint that does not hold it")
    common.add_key_values(group, "--cfg-options", help="change that config")


def run(args: argparse.Namespace) -> Any:
    keys = common.keywords(args, part=common.process_part())
    common.use_threads(keys.pop("threads"))
    if any(keys[name] is not None for name in ("degradation", "known", "mask")):
        done = _run_zero_shot(keys)
    else:
        if given := [name for name in _ZERO_SHOT if keys.pop(name) is not None]:
            flag = given[0].replace("_", "-")
            raise ValueError(f"--{flag} is for a degradation that is known: name it (--degradation, --known or --mask)")
        from cfmrestore.apis.restore import restore

        runs = _each_fidelity(keys)
        done = restore(**runs[0]) if len(runs) == 1 else _all_of(runs)
    common.say(common.files_written(done) + (f", the last is {done[-1]}" if done else ""))
    return {"files": done}


def _all_of(runs: list[dict[str, Any]]) -> list[Path]:
    """Restore in several ways; an image that fails in one keeps no other from being made."""
    from cfmrestore.apis.restore import restore
    from cfmrestore.engine.jobs import JobsError

    done: list[Path] = []
    failed: list[tuple[str, str]] = []
    for one in runs:
        try:
            done += restore(**one)
        except JobsError as error:
            done += [file for files in error.done for file in files]
            failed += [(f"{name} at fidelity {one['settings'].fidelity:g}", said) for name, said in error.failed]
    if failed:
        raise JobsError(failed, done)
    return done


def _each_fidelity(keys: dict[str, Any]) -> list[dict[str, Any]]:
    """What a restoration is told, once, or for each of several fidelities, whose number is part of the names then."""
    from cfmrestore.imageio import SUFFIXES
    from cfmrestore.restore import Settings

    settings = Settings(**{key: keys.pop(key) for key in _SETTINGS if key != "fidelity"})
    fidelities = keys.pop("fidelity") or [None]
    if len(fidelities) == 1:
        return [{**keys, "settings": replace(settings, fidelity=fidelities[0])}]
    if wrong := [one for one in fidelities if not 0 <= one <= 1]:  # said before the first is made
        raise ValueError(f"sampling needs a fidelity from 0 to 1; got {wrong[0]}")
    if keys["samples"] > 1 and 1 in fidelities:
        raise ValueError(f"at fidelity 1 nothing is drawn, so {keys['samples']} samples would be the same: leave 1 out")
    if Path(keys["out"]).suffix.lower() in SUFFIXES:
        raise ValueError(f"{len(fidelities)} fidelities make a file each: name a folder with --out")
    return [
        {**keys, "settings": replace(settings, fidelity=one), "suffix": f"{keys['suffix']}_fidelity{one:g}"}
        for one in dict.fromkeys(fidelities)
    ]


def _run_zero_shot(keys: dict[str, Any]) -> list[Path]:
    """The flags of a trained restoration are refused."""
    others = {name: keys.pop(name) for name in (*_SETTINGS, *_TRAINED) if name not in _SHARED}
    if given := [name for name, value in others.items() if value != _TRAINED.get(name)]:
        flag = given[0].replace("_", "-").replace("options", "cfg-options")
        raise ValueError(f"--{flag} has no meaning where a known degradation is undone: leave it out")
    if keys["model"] == "auto":
        raise ValueError("a known degradation is undone by a flow that draws pictures from noise: name it with --model")
    from cfmrestore.apis.zero_shot import restore_zero_shot

    return restore_zero_shot(**{key: value for key, value in keys.items() if value is not None})
