"""Train a few-step sibling of a trained flow.

Its config is taken from the checkpoint; what was gained is told beside the teacher.
"""

import argparse

from cfmrestore.cli import common

INTERRUPTED = "interrupted; go on with cfmrestore train OUT/few_steps.py --work-dir OUT --resume"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    model = "of the flow: a .pth or .safetensors file, a work directory, or a bundled model"
    parser.add_argument("checkpoint", metavar="CHECKPOINT", help=model)
    help_ = "of the network an image, by which the sibling samples"
    parser.add_argument("--evaluations", type=int, required=True, metavar="K", help=help_)
    parser.add_argument("--out", required=True, metavar="WORK_DIR", help="of its training; its config is few_steps.py")
    loss = "shortcut, rcgm, mean_flow, trajectory (default: shortcut); docs/few_steps.md compares them"
    parser.add_argument("--loss", default="shortcut", help=loss)
    parser.add_argument("--iterations", type=int, default=800, metavar="N", help="optimizer steps (default: 800)")
    parser.add_argument("--data", metavar="FOLDER", help="training images, in place of the config's")
    parser.add_argument("--config", metavar="FILE", help="of the flow, in place of the one that its checkpoint holds")
    help_ = "held-out starts on which distances are measured (default: 64)"
    parser.add_argument("--starts", type=int, default=64, metavar="N", help=help_)
    common.add_launcher_flags(parser)


def run(args: argparse.Namespace) -> None:
    keys = common.keywords(args)
    from cfmrestore.analysis.few_steps import few_steps

    few_steps(**keys)
