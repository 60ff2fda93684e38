"""What the command-line tools share: flags, and errors that a person can read."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from mmengine.config import DictAction

LAUNCHERS = ("none", "pytorch", "slurm", "mpi")


def add_common(parser: argparse.ArgumentParser) -> None:
    """The flags of every tool that runs a config."""
    parser.add_argument("--work-dir", help="where logs and checkpoints go (default: work_dirs/CONFIG)")
    parser.add_argument(
        "--cfg-options",
        nargs="+",
        action=DictAction,
        metavar="KEY=VALUE",
        help="change keys of the config: model.sampling.num_intervals=8 (lists: key='[a,b]')",
    )
    parser.add_argument("--launcher", choices=LAUNCHERS, help="default: what the environment says")
    parser.add_argument("--local_rank", "--local-rank", type=int, help=argparse.SUPPRESS)


def parse(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Parse, and hand the old launcher's rank on."""
    args = parser.parse_args()
    sys.path.append(str(Path.cwd()))  # where a config's custom_imports are looked for too
    if args.local_rank is not None:
        os.environ.setdefault("LOCAL_RANK", str(args.local_rank))
    return args


def named(pairs: Sequence[str]) -> dict[str, str]:
    """NAME=VALUE arguments."""
    for pair in pairs:
        if not all(pair.partition("=")):
            raise ValueError(f"expected NAME=VALUE; got {pair!r}")
    names = [pair.partition("=")[0] for pair in pairs]
    if len(set(names)) < len(names):
        raise ValueError(f"every name once; got {', '.join(names)}")
    return {name: pair.partition("=")[2] for name, pair in zip(names, pairs, strict=True)}


def use_threads(count: int | None) -> None:
    """So many threads, or as many as this process has cores, whatever the environment says.

    Sums are in another order on another number of threads, and torchrun allows its processes one: only so do one
    process and many write the same bytes. Processes that share their cores wait for each other without spinning.
    """
    if count is not None and count < 1:
        raise ValueError(f"threads must be 1 or more; got {count}")
    if int(os.environ.get("LOCAL_WORLD_SIZE", 1)) > 1:
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # read when torch is imported
    import torch

    torch.set_num_threads(count or len(os.sched_getaffinity(0)))


def run(main: Callable[[], object], interrupted: str = "interrupted; go on with --resume") -> None:
    """Run a tool; what the user can mend is one line and exit code 1, anything else keeps its traceback."""
    try:
        main()
    except (ValueError, OSError) as error:
        sys.exit(f"error: {message(error)}")
    except KeyboardInterrupt:
        sys.exit(interrupted)


def message(error: Exception) -> str:
    """The message alone, also of an error that a data loader's worker wrapped in its traceback."""
    text = str(error)
    return text.rstrip().splitlines()[-1].removeprefix("ValueError: ") if text.startswith("Caught ") else text
