"""Train what a study compares, measure and draw it."""

import argparse
from pathlib import Path

from cfmrestore.cli import common

INTERRUPTED = "interrupted; the same command goes on where it stopped"

READS = ("study",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("study", help="a file of configs/study")
    parser.add_argument("--out", metavar="FOLDER", required=True, help="for study.json, tables and plots")
    parser.add_argument("--work-dir", help="where the trainings go (default: work_dirs/STUDY)")
    parser.add_argument("--benchmarks", nargs="+", metavar="NAME=FOLDERS", help="in place of the study's")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes, each with one thread")
    page = "whose tables between <!-- NAME: begin --> and end are made new"
    parser.add_argument("--page", metavar="FILE.md", help=page)
    common.add_key_values(parser, "--cfg-options", help="change keys of the config of all runs")


def run(args: argparse.Namespace) -> None:
    keys = common.keywords(args, work_dir=args.work_dir or f"work_dirs/{Path(args.study).stem}")
    keys["benchmarks"] = common.parse_names(args.benchmarks) if args.benchmarks else None
    from cfmrestore.analysis.study import study

    study(keys.pop("study"), **keys)
    print(f"look at the plots in {args.out}")
