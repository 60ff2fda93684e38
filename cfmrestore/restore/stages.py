"""Models that restore: one checkpoint, or a chain of them that a config names."""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from torch import Tensor

from cfmrestore import model_zoo
from cfmrestore.engine import checkpoints
from cfmrestore.engine.config.files import find_config, read_file
from cfmrestore.engine.shards import is_sharded
from cfmrestore.flows.coupling_flow import CouplingFlow
from cfmrestore.flows.sampling import Sampling
from cfmrestore.former_names import update_names
from cfmrestore.registry import ENCODERS, MODELS, check_keys, find_class, load_plugins
from cfmrestore.repository import named_repository
from cfmrestore.restore import published
from cfmrestore.restore.declared import held_to
from cfmrestore.restore.settings import Settings

TRAINING = ("data_preprocessor", "loss", "teacher", "times", "ceiling", "compile")  # of no use here
_OUTPUTS = ("pixels", "latents")
_PARTS = ("encoder", "coupling", "network")


@dataclass(frozen=True)
class Stage:
    """A flow of a chain, and how it differs from its config there.

    Args:
        flow: The flow.
        output: What the next stage starts from: "pixels", or "latents" of the same space, which are not decoded.
        own: Keys of ``Sampling`` in place of the flow's.
        file: Where its weights were read.
    """

    flow: CouplingFlow
    output: str = "pixels"
    own: Mapping[str, Any] = field(default_factory=dict)
    file: Path | None = None

    def sampling(self, settings: Settings) -> Sampling:
        """What is asked for, or else the stage's, or else the flow's."""
        return settings.sampling(replace(self.flow.sampling, **self.own))


def load_stages(path: str | Path, encoder: Mapping[str, Any] | None = None) -> list[Stage]:
    """The stages of what a path or a name leads to, as for ``find_model``."""
    load_plugins()
    path = find_model(path)
    if path.suffix != ".py":
        return [Stage(load_flow(path, encoder), file=path)]
    config = read_file(path)
    if "stages" not in config:
        raise ValueError(f"{str(path)!r} has no stages: name the checkpoint, or the work directory, of its training")
    return _chain(config, path, encoder)


def find_model(
    path: str | Path,
    *,
    revision: str | None = None,
    token: str | None = None,
    cache_dir: str | Path | None = None,
) -> Path:
    """The checkpoint of a model.

    Args:
        path: A file, or a folder of shards; a folder for its newest checkpoint, for the only one in it, or for what was
            published there; the name of a bundled model; or a repository of a hub, ``org/name`` or
            ``org/name@revision``, where no such path is here.
        revision: Of the repository: a branch, a tag or a commit.
        token: Of the hub; by default that of HF_TOKEN, or of ``hf auth login``.
        cache_dir: Where repositories are kept; by default HF_HUB_CACHE, or the folder hub in HF_HOME.
    """
    place = find_config(path).expanduser()
    repository = None if place.exists() else named_repository(str(path), revision)
    if repository is not None:
        return published.find_repository(repository, token=token, cache_dir=cache_dir)
    if revision is not None:
        raise ValueError(f"a revision is one of a repository, org/name; {str(path)!r} is none")
    if place.is_dir() and not is_sharded(place):
        if (place / published.CONFIG).is_file():
            return published.find_published(place, str(place))
        weights = sorted(place.glob("*.safetensors"))
        if checkpoints.find_latest(place) is not None or not weights:
            return checkpoints.locate(place)
        if len(weights) > 1:
            named = ", ".join(file.name for file in weights[:5]) + ", ..." * (len(weights) > 5)
            raise ValueError(f"the folder {str(place)!r} holds {len(weights)} models: name one of {named}")
        return weights[0]
    if place.exists():
        return place
    return model_zoo.find_bundled(str(path))


def load_flow(path: Path, encoder: Mapping[str, Any] | None = None) -> CouplingFlow:
    """The flow that a checkpoint describes, with its weights."""
    checkpoint = checkpoints.load(path)
    described = checkpoint["meta"].get("model")
    if not isinstance(described, Mapping):
        raise ValueError(
            f"{str(path)!r} does not say which model it is of: give its config too, or train on with this version"
        )
    flow = flow_of(described, checkpoint["state_dict"], str(path), encoder)
    trained = checkpoint["meta"].get("encoder", {}).get("digest")
    if trained not in (None, flow.encoder.digest()):
        raise ValueError(
            f"{str(path)!r} was trained in the space of another encoder ({trained}; here {flow.encoder.digest()}): "
            "give the weights of that one, encoder=dict(path=...)"
        )
    return flow


def flow_of(
    described: Mapping[str, Any], weights: Mapping[str, Tensor], name: str, encoder: Mapping[str, Any] | None = None
) -> CouplingFlow:
    """The flow that is described, with its weights."""
    config = {key: value for key, value in described.items() if key not in TRAINING}
    flow = build(update_names(config, warn=False), encoder, name, weights)
    checkpoints.load_weights(flow, dict(weights), name)
    return flow


def build(
    config: Mapping[str, Any],
    encoder: Mapping[str, Any] | None,
    name: str,
    weights: Mapping[str, Tensor] | None = None,
) -> CouplingFlow:
    """A flow without its weights; what a file describes is held to be a flow of registered parts before it is built.

    With the weights that it will have, it is also held to be no larger.
    """
    parts = {"the model": config, **{part: config.get(part) for part in _PARTS}}
    for part, value in parts.items():
        if not isinstance(value, Mapping) or not isinstance(value.get("type"), str) or "_scope_" in value:
            raise ValueError(f"{name!r} does not describe a model: {part} is {value!r:.80}, not a dict with a type")
    cls = find_class({"type": config["type"]}, MODELS)
    if not (isinstance(cls, type) and issubclass(cls, CouplingFlow)):
        raise ValueError(f"{name!r} is of a {config['type']}, which does not restore images")
    space = ENCODERS.build({**config["encoder"], **(encoder or {})})  # its weights have their own file
    with nullcontext() if weights is None else held_to(weights, name):
        return MODELS.build({**config, "encoder": space})


def _chain(config: Any, path: Path, encoder: Mapping[str, Any] | None) -> list[Stage]:
    stages = []
    for entry in update_names(config.stages, place="stages"):
        keys: dict[str, Any] = {"model": entry} if isinstance(entry, str) else dict(entry)
        if unknown := keys.keys() - {"model", "output", "sampling"}:
            raise ValueError(f"{path}: a stage has model, output and sampling; got {', '.join(sorted(unknown))}")
        if keys.get("output", "pixels") not in _OUTPUTS:
            raise ValueError(f"{path}: output is one of {', '.join(_OUTPUTS)}; got {keys['output']!r}")
        own = keys.get("sampling", {})
        check_keys(Sampling, own, f"{path}: sampling: ")
        file = find_model(keys["model"])
        stages.append(Stage(load_flow(file, encoder), keys.get("output", "pixels"), own, file))
    for stage, following in pairwise(stages):
        spaces = (stage.flow.encoder.digest(), following.flow.encoder.digest())
        if stage.output == "latents" and spaces[0] != spaces[1]:
            raise ValueError(f"{path}: latents go on only in one space; these stages have {' and '.join(spaces)}")
    if not stages:
        raise ValueError(f"{path}: there are no stages")
    return stages
