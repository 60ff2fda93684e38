"""Publishing of a model: weights, a card and the curves of the training, from a work directory."""

import csv
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from mmengine.config import Config
from torch import Tensor

from cfmrestore import model_zoo
from cfmrestore.datasets.base import to_tensor
from cfmrestore.engine import checkpoints
from cfmrestore.engine.config.load import merge
from cfmrestore.flows.sampling import Sampling
from cfmrestore.flows.sampling_flow import evaluations
from cfmrestore.former_names import update_names
from cfmrestore.imageio import list_images, read_image
from cfmrestore.imageio.atomic import atomic, check_free
from cfmrestore.registry import COUPLINGS, check_keys, find_class, load_plugins
from cfmrestore.reports.figures import new_figure, save_figure
from cfmrestore.reports.json_csv import write_csv, write_json
from cfmrestore.reports.markdown import markdown_table
from cfmrestore.restore import Restorer, stages
from cfmrestore.restore.auto_model import KINDS
from cfmrestore.restore.published import PLACES

_PROVENANCE = ("iter", "seed", "versions", "encoder")
_LEFT_OUT = ("step", "iter", "time", "data_time", "epoch", "memory")  # what is not the same on another machine
EXAMPLES, _SIDE = model_zoo.FOLDER.parent / "demo" / "examples", 48
CLEAN = "clean"
"""Inputs of a card for pictures that were shrunk and nothing else."""
Log = dict[int, dict[str, float]]


def publish(
    work_dir: str | Path,
    name: str,
    out: str | Path = model_zoo.FOLDER,
    *,
    sampling: Mapping[str, Any] | None = None,
    card: Mapping[str, str] | None = None,
    encoder: str | None = None,
    half: bool = False,
    average: Sequence[str | Path] = (),
    overwrite: bool = False,
) -> Path:
    """Write ``NAME.safetensors`` with its config, ``NAME.csv`` and ``NAME.png``, and its card in ``models.json``.

    The weights are the moving average, as they were evaluated. What training read goes nowhere: no paths of files.

    Args:
        work_dir: Of a finished training, or a checkpoint in it; or the name of a bundled model, whose card it keeps.
        name: The model's.
        out: Folder; by default that of the package.
        sampling: Keys of ``Sampling``, which may be dotted, that users get where they ask for nothing else.
        card: What else is said of the model: ``what`` it is for, ``data``, ``license``, ``command``, its
            ``degradation``, the preset by which ``showcase`` degrades photographs, and its ``inputs``, what those
            pictures show for which it is chosen ("jpeg,noise,blur" or "clean").
        encoder: Where others find its autoencoder, in place of the folder here: ``org/name`` of a hub.
        half: Store the weights in 16 bits, half the bytes; refused where a restored picture differs by half a level.
        average: Other models of the same network, each found as ``work_dir`` is: what is written is the mean of all.
        overwrite: Replace a model of that name that lies in the folder.
    """
    from safetensors.torch import save_file

    load_plugins()
    if not re.fullmatch(r"[A-Za-z0-9][\w-]*", name):
        raise ValueError(f"a model's name is a word such as cfm-x4; got {name!r}")
    said = _said(card or {})
    path, out = stages.find_model(work_dir), Path(out)
    check_free([out / f"{name}.safetensors"], overwrite)
    checkpoint = checkpoints.load(path)
    meta = checkpoint["meta"]
    if not isinstance(meta.get("model"), Mapping):
        raise ValueError(f"{str(path)!r} does not say which model it is of: publish what this version has trained")
    model = _described(meta["model"], sampling or {}, encoder)
    states = [checkpoint["state_dict"], *(checkpoints.load(stages.find_model(one))["state_dict"] for one in average)]
    weights = _mean(states, [work_dir, *average])
    provenance = {key: meta[key] for key in _PROVENANCE if key in meta}
    log, file = _log_of(path), out / f"{name}.safetensors"
    about = {"meta": json.dumps({"name": name, **provenance, "model": model})}
    if half:
        weights = _halved(weights, about)
    write_csv(out / f"{name}.csv", _lines(log))
    draw_training(log, out / f"{name}.png", name)
    with atomic(file) as unfinished:
        save_file(weights, unfinished, metadata=about)
    own, cards = model_zoo.cards(path.parent).get(path.stem, {}), model_zoo.cards(out)
    former = {key: value for key, value in cards.get(name, {}).items() if key != "weights"}
    entry = {**former, **own, **said, **provenance, **_counted(weights, file, model)}
    is_same = not average and not sampling
    figures = dict(own.get("figures", {})) if is_same else {}  # of other weights and samplings they say nothing
    figures.pop("evaluations", None)
    entry["figures"] = figures | _evaluations(model)
    if average:
        entry["weights"] = f"the mean of {len(states)} trainings"
    write_json(out / model_zoo.CARDS, {**cards, name: entry})
    return file


def _said(card: Mapping[str, str]) -> dict[str, Any]:
    """What a person says of a model, which is no figure."""
    if "figures" in card:
        raise ValueError("a card's figures are measured and not said: add them to models.json once it is published")
    return {**card, **({"inputs": _kinds(card["inputs"])} if "inputs" in card else {})}


def _described(model: Mapping[str, Any], sampling: Mapping[str, Any], encoder: str | None) -> dict[str, Any]:
    """The model as others build it: with this sampling, and without what the training read on its machine."""
    if encoder is not None and "path" not in model["encoder"]:
        raise ValueError(f"the encoder {model['encoder']['type']} is no file: leave --encoder out")
    described = {key: _without_places(one) if key in stages.TRAINING else one for key, one in model.items()}
    described.pop("teacher", None)
    described["sampling"] = _changed(model.get("sampling", {}), sampling)
    described["coupling"] = {key: value for key, value in model["coupling"].items() if key != "weights"}
    if encoder is not None:
        described["encoder"] = {**model["encoder"], "path": encoder}
    return described


def _counted(weights: Mapping[str, Tensor], file: Path, model: Mapping[str, Any]) -> dict[str, Any]:
    """Of a card, what the file says."""
    parameters = sum(value.numel() for value in weights.values())
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return {"parameters": parameters, "sha256": digest, "scale": model.get("scale", 4)}


def _evaluations(model: Mapping[str, Any]) -> dict[str, int]:
    """Of a restoration by the model's own sampling, where they are a fixed number."""
    nfe = evaluations(find_class(model["coupling"], COUPLINGS), Sampling(**model["sampling"]))
    return {} if nfe is None else {"evaluations": nfe}


def _kinds(inputs: str) -> list[str]:
    """What pictures show, of what a card says with commas; clean ones show nothing."""
    kinds = [] if inputs == CLEAN else [kind.strip() for kind in inputs.split(",")]
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise ValueError(f"a card's inputs are {CLEAN}, or some of {','.join(KINDS)}; got {unknown[0]!r}")
    return [kind for kind in KINDS if kind in kinds]


def _mean(states: Sequence[Mapping[str, Tensor]], names: Sequence[str | Path]) -> dict[str, Tensor]:
    """The mean of the weights of some models, one of which began with another's or all with the same.

    It keeps most of what each training brought and loses less of what it cost.

    References: Wortsman et al., 2021, Robust fine-tuning (arXiv:2109.01903), and 2022, Model soups (arXiv:2203.05482).
    """
    shapes = [{key: value.shape for key, value in state.items()} for state in states]
    if different := [name for name, shape in zip(names, shapes, strict=True) if shape != shapes[0]]:
        raise ValueError(f"{str(different[0])!r} is of another network than {str(names[0])!r}: no mean of both works")
    return {key: torch.stack([state[key].float() for state in states]).mean(dim=0) for key in states[0]}


def _halved(weights: dict[str, Tensor], about: dict[str, str]) -> dict[str, Tensor]:
    """Weights of 16 bits, where no restored example differs by half a level."""
    from safetensors.torch import save_file

    half = {key: value.half() for key, value in weights.items()}
    with TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("whole.safetensors", "half.safetensors")]
        for file, state in zip(files, (weights, half), strict=True):
            save_file(state, file, metadata=about)
        restorers = [Restorer.from_pretrained(file) for file in files]
    for path in list_images(EXAMPLES):
        low = to_tensor(read_image(path)[:_SIDE, :_SIDE])[None].float() / 255
        for fidelity in (0.0, 1.0):
            one, other = (255 * restorer(low, fidelity=fidelity) for restorer in restorers)
            if (difference := float((one - other).abs().max())) >= 0.5:
                raise ValueError(
                    f"with weights of 16 bits {path.name} differs by {difference:.2f} levels: publish all 32 of them"
                )
    return half


def _without_places(value: Any) -> Any:
    """A config that names no files."""
    if isinstance(value, Mapping):
        named = {key for key in PLACES if isinstance(value.get(key), str | None)}  # odds are "weights" too
        return {key: _without_places(one) for key, one in value.items() if key not in named}
    return [_without_places(one) for one in value] if isinstance(value, list | tuple) else value


def _changed(own: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A sampling with other keys, which may be dotted; refused if none can be built of it."""
    cfg = Config({"sampling": dict(own)})
    merge(cfg, {f"sampling.{key}": value for key, value in changes.items()})
    sampling = update_names(cfg.sampling.to_dict(), place="sampling")
    check_keys(Sampling, sampling, "sampling: ")
    Sampling(**sampling)
    return checkpoints.as_data(sampling)


def _log_of(model: Path) -> Log:
    """That of the training in the folder of a checkpoint, or the one that was published beside it."""
    file = model.with_suffix(".csv")
    if not file.is_file():
        return read_log(model.parent)
    with file.open(newline="", encoding="utf-8") as lines:
        rows = [{key: float(value) for key, value in row.items() if value} for row in csv.DictReader(lines)]
    return {int(row.pop("iter")): row for row in rows}


def read_log(work_dir: Path) -> Log:
    """Learning rate, losses and metrics by iteration; of what was done twice, after a resumption, the second time."""
    log: Log = {}
    for path in sorted(work_dir.glob("*/vis_data/scalars.json")):
        *whole, last = path.read_text(encoding="utf-8").split("\n")
        for number, line in enumerate([*whole, *([last] if _is_json(last) else [])], 1):  # a kill may cut the last off
            try:
                entry = json.loads(line)
            except ValueError as error:
                raise ValueError(f"{path}, line {number}: {error}") from error
            numbers = {k: v for k, v in entry.items() if k not in _LEFT_OUT and isinstance(v, int | float)}
            log.setdefault(int(entry["step"]), {}).update(numbers)
    if not log:
        raise ValueError(f"{str(work_dir)!r} holds no log of a training (TIME/vis_data/scalars.json)")
    return dict(sorted(log.items()))


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _lines(log: Log) -> Iterator[list[Any]]:
    columns = list(dict.fromkeys(key for entry in log.values() for key in entry))
    yield ["iter", *columns]
    for step, entry in log.items():
        yield [step, *(f"{entry[key]:.6g}" if key in entry else "" for key in columns)]


def draw_training(log: Log, path: Path, title: str) -> None:
    """The loss and what was validated, over the iterations."""
    metrics = [key for entry in log.values() for key in entry if key.split("/")[-1] in ("PSNR", "SSIM")]
    shown = ["loss", *dict.fromkeys(key for key in metrics if "/" not in key)]
    figure, (places,) = new_figure(1, len(shown), 4.5 * len(shown), 3.2)
    for axes, key in zip(places, shown, strict=True):
        points = [(step, entry[key]) for step, entry in log.items() if key in entry]
        axes.plot(*zip(*points, strict=True), "-" if key == "loss" else "o-", lw=0.9)
        if key == "loss":
            axes.set_yscale("log")
        elif bicubic := [entry[f"bicubic/{key}"] for entry in log.values() if f"bicubic/{key}" in entry]:
            axes.axhline(bicubic[-1], color="gray", ls=":", label="bicubic")
            axes.legend()
        axes.set_xlabel("iterations")
        axes.set_ylabel(key)
        axes.grid(alpha=0.3)
    save_figure(figure, path, title)


def summary(name: str, out: str | Path = model_zoo.FOLDER) -> str:
    """The card as a table."""
    card = model_zoo.cards(Path(out))[name]
    return markdown_table([["", name], *([key, str(value)] for key, value in card.items())])
