"""Make a model that others can take of a training, and push it to a hub.

Weights with their config, a card, the curves: in a collection of models, or as a repository of a hub, a folder with
config.json, model.safetensors and README.md. The token is read from HF_TOKEN, or is that of `hf auth login`.
"""

import argparse
from typing import Any

from cfmrestore.cli import common

_OF_REPOSITORIES = ("push", "private", "revision", "pictures")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("work_dir", help="of a finished training, or a checkpoint in it, or a bundled model")
    parser.add_argument("name", help="of the model, such as cfm-x4")
    parser.add_argument("--out", metavar="FOLDER", help="where it goes (with --push not needed)")
    layout = "one of many, listed in models.json, or a hub's repository (default: collection; with --push repository)"
    parser.add_argument("--layout", choices=("collection", "repository"), help=layout)
    sampling = "what users get who ask for nothing else: num_intervals=3 grid.type=ShiftedGrid"
    common.add_key_values(parser, "--sampling", help=sampling)
    card = (
        "what else is said of it: what, data, license, command, degradation (a preset), and inputs, the pictures for "
        "which it is chosen (clean, or of jpeg,noise,blur)"
    )
    parser.add_argument("--card", nargs="+", default=[], metavar="KEY=VALUE", help=card)
    encoder = "where others find its autoencoder, if it has one: org/name of a hub"
    parser.add_argument("--encoder", metavar="ORG/NAME", help=encoder)
    help_ = "store weights of 16 bits; refused where a picture would differ by half a level"
    parser.add_argument("--half", action="store_true", help=help_)
    average = "other models of the same network, trained on from one another: publish the mean of all weights"
    parser.add_argument("--average", nargs="+", default=[], metavar="MODEL", help=average)
    common.add_overwrite_flag(parser)
    group = parser.add_argument_group("repositories")
    group.add_argument("--pictures", nargs="+", default=[], metavar="FILE", help="of its results, for its page")
    group.add_argument("--push", metavar="ORG/NAME", help="to the hub (HF_ENDPOINT), in one commit")
    group.add_argument("--revision", metavar="BRANCH", help="to push to (default: main)")
    group.add_argument("--private", action="store_true", help="a repository that others do not see")


def run(args: argparse.Namespace) -> None:
    keys: dict[str, Any] = {"sampling": common.parse_options(args.sampling), "card": common.parse_names(args.card)}
    keys |= {"encoder": args.encoder, "half": args.half, "average": args.average}
    layout = args.layout or ("repository" if args.push else "collection")
    if layout == "collection" and (given := [name for name in _OF_REPOSITORIES if getattr(args, name)]):
        raise ValueError(f"--{given[0]} is of a repository: --layout repository, or --push ORG/NAME")
    if args.out is None and not args.push:
        raise ValueError("name the folder, --out, or a repository of a hub, --push")
    if (args.private or args.revision) and not args.push:
        raise ValueError("--private and --revision say how it is pushed: name the repository, --push ORG/NAME")
    if layout == "collection":
        _run_collection(args, keys)
        return
    from cfmrestore.analysis.publish_repository import publish_repository, publish_to_hub

    keys |= {"pictures": args.pictures, "out": args.out}
    if args.push:
        hub = {"revision": args.revision, "private": args.private}
        print(f"pushed: {publish_to_hub(args.work_dir, args.name, args.push, **hub, **keys)}")
    else:
        files = publish_repository(args.work_dir, args.name, **keys)
        print(f"{args.out}: {', '.join(files)}; look at README.md")


def _run_collection(args: argparse.Namespace, keys: dict[str, Any]) -> None:
    from cfmrestore.analysis.publish import publish, summary

    file = publish(args.work_dir, args.name, args.out, overwrite=args.overwrite, **keys)
    print(summary(args.name, args.out))
    print(f"{file}, {file.stat().st_size / 2**20:.1f} MiB; look at {file.with_suffix('.png')}")
