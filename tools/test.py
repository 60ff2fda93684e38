#!/usr/bin/env python
"""Evaluate a checkpoint on the test set of a config, beside bicubic interpolation."""

import argparse

from cfmrestore.apis import cli


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config")
    parser.add_argument("checkpoint", help="a .pth or .safetensors file, or a work directory")
    parser.add_argument("--out", metavar="FILE.json", help="write the result, and a Markdown table beside it")
    parser.add_argument("--show-dir", metavar="DIR", help="write a picture of every image")
    cli.add_common(parser)
    args = cli.parse(parser)

    from cfmrestore.apis import evaluate

    evaluate(
        args.config,
        args.checkpoint,
        work_dir=args.work_dir,
        out=args.out,
        show_dir=args.show_dir,
        launcher=args.launcher,
        options=args.cfg_options,
    )


if __name__ == "__main__":
    cli.run(main)
