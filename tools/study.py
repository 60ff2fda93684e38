#!/usr/bin/env python
"""Train what a study compares, measure it under many solvers, and draw."""

import argparse
from pathlib import Path

from mmengine.config import DictAction

from cfmrestore.cli import common as cli


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", help="a file of configs/study")
    parser.add_argument("--out", metavar="FOLDER", required=True, help="for study.json, tables and plots")
    parser.add_argument("--work-dir", help="where the trainings go (default: work_dirs/STUDY)")
    parser.add_argument("--benchmarks", nargs="+", metavar="NAME=FOLDERS", help="in place of the study's")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes, each with one thread")
    parser.add_argument(
        "--page", metavar="FILE.md", help="whose tables between <!-- NAME: begin --> and end are made new"
    )
    parser.add_argument(
        "--cfg-options", nargs="+", action=DictAction, metavar="KEY=VALUE", help="change keys of the config of all runs"
    )
    args = parser.parse_args()

    from cfmrestore.analysis.study import plan, study, table
    from cfmrestore.reports.markdown import fill

    benchmarks = cli.named(args.benchmarks) if args.benchmarks else None
    if args.page:
        for name in plan.read(args.study, benchmarks).benchmarks:
            fill(args.page, name, "", check=True)
    work_dir = args.work_dir or f"work_dirs/{Path(args.study).stem}"
    made = study(args.study, work_dir, args.out, benchmarks=benchmarks, workers=args.workers, options=args.cfg_options)
    for name in made["runs"][0]["benchmarks"]:
        print(table(made, name))
        if args.page:
            fill(args.page, name, table(made, name))
    print(f"look at the plots in {args.out}")


if __name__ == "__main__":
    cli.run(main, "interrupted; the same command goes on where it stopped")
