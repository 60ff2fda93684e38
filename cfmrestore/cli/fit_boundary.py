"""Fit the boundary of an attribute, along which images are edited.

To images with and without it, encoded by a trained flow; no weight is changed.
"""

import argparse

from cfmrestore.cli import common

MODELS = ("model",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help=common.MODEL)
    help_ = "a folder with a table of attributes, a dataset as Avatars, or two folders: with the attribute, without"
    parser.add_argument("data", nargs="+", metavar="DATA", help=help_)
    parser.add_argument("--attribute", required=True, metavar="NAME", help="of the table, or that of the first folder")
    parser.add_argument("--out", required=True, metavar="FILE.safetensors", help="file of the boundary")
    common.add_overwrite_flag(parser)
    images = parser.add_argument_group("the images")
    images.add_argument("--against", metavar="NAME", help="attribute of the other side (default: not to have it)")
    images.add_argument("--table", metavar="FILE", help="CSV, or CelebA's list (default: the CSV file in the folder)")
    images.add_argument("--count", type=int, default=1000, metavar="N", help="at most (default: 1000)")
    images.add_argument("--size", type=int, metavar="SIDE", help="in pixels (default: the model's, or their own)")
    images.add_argument("--use-classes", action="store_true", help="tell the model the class of each image")
    where = parser.add_argument_group("where it lies")
    where.add_argument("--time", type=float, metavar="T", help="0 the source, 1 the data (default: found)")
    where.add_argument("--space", choices=("latent", "bottleneck"), default="latent", help="default: latent")
    help_ = "along which an edit moves: the mean way of images (default), or the normal of the boundary"
    where.add_argument("--direction", choices=("regression", "normal"), default="regression", help=help_)
    where.add_argument("--strength", type=float, default=2.0, metavar="K", help="for which T is sought (default: 2)")
    where.add_argument("--plot", metavar="FILE.png", help="accuracy, error and objective over the time")
    walk = parser.add_argument_group("the way back")
    walk.add_argument("--num-intervals", type=int, metavar="N", help="steps of the solver from t = 0 to 1")
    walk.add_argument("--solver", metavar="NAME", help="Euler, Heun, RK4 ... (default: the model's)")
    walk.add_argument("--guidance", type=float, metavar="S", help="with --use-classes (default: the model's)")
    machine = parser.add_argument_group("the machine")
    machine.add_argument("--batch", type=int, default=64, metavar="N", help="images at once (default: 64)")
    machine.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 ...")
    machine.add_argument("--threads", type=int, metavar="N", help="on a CPU (default: all cores)")


def run(args: argparse.Namespace) -> None:
    keys = common.keywords(args)
    common.use_threads(keys.pop("threads"))
    if len(args.data) > 2:
        raise ValueError(f"DATA is a folder, a dataset, or two folders; got {len(args.data)} of them")
    from cfmrestore.apis.fit_boundary import fit_boundary

    fit_boundary(**keys)
    common.say(f"written to {args.out}")
