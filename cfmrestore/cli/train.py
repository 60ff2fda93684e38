"""Train what a config describes."""

import argparse

from cfmrestore.cli import common

INTERRUPTED = "interrupted; go on with the same command and --resume"

READS = ("config",)
KEYS = {
    "max-iters": "train_cfg.max_iters", "iters": "train_cfg.max_iters", "iterations": "train_cfg.max_iters",
    "steps": "train_cfg.max_iters", "val-interval": "train_cfg.val_interval", "lr": "optim_wrapper.optimizer.lr",
    "learning-rate": "optim_wrapper.optimizer.lr", "batch-size": "train_dataloader.batch_size",
    "num-workers": "train_dataloader.num_workers", "workers": "train_dataloader.num_workers",
    "crop-size": "crop_size", "data": "data_root", "data-root": "data_root", "val-root": "val_root", "scale": "scale",
    "load-from": "load_from",
}  # fmt: skip
"""Keys of configs that are taken for flags."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", help=common.CONFIG)
    resume = "go on from the newest checkpoint, or from this"
    parser.add_argument("--resume", nargs="?", const="auto", metavar="CHECKPOINT", help=resume)
    parser.add_argument("--amp", action="store_true", help="mixed precision, as far as the device has it")
    parser.add_argument("--auto-scale-lr", action="store_true", help="scale the learning rate with the batch")
    parser.add_argument("--seed", type=int, help="the run's seed")
    parser.add_argument("--no-validate", dest="validate", action="store_false", help="do not evaluate while training")
    common.add_config_flags(parser)


def run(args: argparse.Namespace) -> None:
    keys = common.keywords(args)
    from cfmrestore.apis.train import train

    train(**keys)
