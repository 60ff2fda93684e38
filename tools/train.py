#!/usr/bin/env python
"""Train what a config describes."""

import argparse

from cfmrestore.cli import common as cli


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config")
    parser.add_argument(
        "--resume", nargs="?", const="auto", metavar="CHECKPOINT", help="go on from the newest checkpoint, or from this"
    )
    parser.add_argument("--amp", action="store_true", help="mixed precision, as far as the device has it")
    parser.add_argument("--auto-scale-lr", action="store_true", help="scale the learning rate with the batch")
    parser.add_argument("--seed", type=int, help="the run's seed")
    parser.add_argument("--no-validate", action="store_true", help="do not evaluate while training")
    cli.add_common(parser)
    args = cli.parse(parser)

    from cfmrestore.apis.train import train

    train(
        args.config,
        work_dir=args.work_dir,
        resume=args.resume,
        amp=args.amp,
        auto_scale_lr=args.auto_scale_lr,
        launcher=args.launcher,
        seed=args.seed,
        validate=not args.no_validate,
        options=args.cfg_options,
    )


if __name__ == "__main__":
    cli.run(main)
