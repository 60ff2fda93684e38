"""What commands share: flags, values of flags, and errors that a person can read."""

import argparse
import ast
import os
import sys
from collections.abc import Sequence
from typing import Any

from cfmrestore.process import cores, is_quiet

MODEL = "a bundled model, a checkpoint, a work directory, or org/name of a hub"
_THREADS = 8
CONFIG = "a .py file, or cfmrestore::NAME.py of the package: a name that is none lists them"


def add_config_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of every command that runs a config."""
    parser.add_argument("--work-dir", help="where logs and checkpoints go (default: work_dirs/CONFIG)")
    help_ = "change keys of the config: model.sampling.num_intervals=8 (lists: key='[a,b]')"
    add_key_values(parser, "--cfg-options", help=help_)
    add_launcher_flags(parser)


def add_launcher_flags(parser: argparse.ArgumentParser) -> None:
    """How the processes of a training find each other."""
    launchers = ("none", "pytorch", "slurm", "mpi")
    parser.add_argument("--launcher", choices=launchers, help="default: what the environment says")
    parser.add_argument("--local_rank", "--local-rank", type=int, help=argparse.SUPPRESS)


def add_metric_flags(parser: argparse.ArgumentParser) -> None:
    """How a config's test is measured, in place of what it says."""
    parser.add_argument("--protocol", help="how images are compared, in place of the config's")
    metrics = "in place of the config's: psnr ssim lpips fid ..."
    parser.add_argument("--metrics", nargs="+", metavar="NAME", help=metrics)
    parser.add_argument("--weights", metavar="FOLDER", help="of networks that metrics need (default: torch's cache)")


def add_overwrite_flag(parser: argparse._ActionsContainer) -> None:
    """Of commands that write what they are told to."""
    parser.add_argument("--overwrite", action="store_true", help="replace files that are there")


def add_output_flags(parser: argparse.ArgumentParser, *, json: bool) -> None:
    """``--quiet`` of every command, and ``--json`` of those whose result a script may want; subcommands get them."""
    inner = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    for one in inner[0].choices.values() if inner else [parser]:
        one.add_argument("--quiet", action="store_true", help="say nothing but the result and what is wrong")
        if json:
            one.add_argument("--json", action="store_true", help="print the result as JSON, and all else to stderr")


def say(text: str) -> None:
    """What a person is told in the end, and a script need not know."""
    if not is_quiet():
        print(text)


def print_json(value: Any) -> None:
    """The result of a command for scripts; of several processes with one result the first prints it."""
    from cfmrestore.reports.json_csv import as_json

    print(as_json(value))


def add_key_values(parser: argparse._ActionsContainer, flag: str, *, help: str) -> None:
    """A flag of KEY=VALUE pairs, which ``parse_options`` reads; given again, it adds to what was given."""
    parser.add_argument(flag, nargs="+", action="extend", metavar="KEY=VALUE", help=help)


def add_plugin_flag(parser: argparse.ArgumentParser) -> None:
    """The flag of every command, and of every command of a command, that imports modules of plugins."""
    inner = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    for choice in (choice for action in inner for choice in action.choices.values()):
        add_plugin_flag(choice)
    if not inner:
        help_ = "import plugins of your own from an installed module or a .py file; may be given again"
        parser.add_argument("--plugin", action="append", dest="plugin_modules", metavar="MODULE", help=help_)


def keywords(args: argparse.Namespace, **read: Any) -> dict[str, Any]:
    """The flags as keyword arguments of what the command calls, whose parameters have their names.

    ``read`` are those whose text was read already.
    """
    own = ("command", "local_rank", "plugin_modules", "quiet", "json")
    given = {key: value for key, value in vars(args).items() if key not in own}
    if "cfg_options" in given:
        given["options"] = parse_options(given.pop("cfg_options"))
    return given | read


def tile(text: str) -> int | str:
    """A number of pixels, or auto."""
    return text if text == "auto" else int(text)


def numbers(text: str) -> list[float]:
    """One number, or several between commas."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"it is a number, or several between commas; got {text!r}") from error


class RenamedFlag(argparse.Action):
    """Former name of a flag: the value goes where the present one puts it, whose name is said."""

    def __init__(self, option_strings: Sequence[str], dest: str, *, present: str, **keys: Any) -> None:
        super().__init__(option_strings, present.lstrip("-").replace("-", "_"), help=argparse.SUPPRESS, **keys)
        self.present = present

    def __call__(self, parser: Any, namespace: argparse.Namespace, values: Any, option_string: Any = None) -> None:
        print(f"warning: {option_string} is called {self.present} now", file=sys.stderr)
        setattr(namespace, self.dest, values)


def parse_options(pairs: Sequence[str] | None) -> dict[str, Any] | None:
    """KEY=VALUE arguments, with numbers, lists and tuples as OpenMMLab's ``DictAction`` reads them.

    What holds a dictionary is read as in a config: ``model.loss='[dict(type="MSE"), dict(type="Shortcut")]'``.
    """
    if pairs is None:
        return None
    from mmengine.config import DictAction

    options: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise ValueError(f"expected KEY=VALUE; got {pair!r}")
        if value.lstrip().startswith(("dict(", "{", "[", "(")) and ("dict(" in value or "{" in value):
            options[key] = _literal(key, value)
        else:
            parsed = argparse.Namespace()
            DictAction((), "options")(argparse.ArgumentParser(), parsed, [pair])
            options |= parsed.options
    return options


def _literal(key: str, text: str) -> Any:
    """Numbers, texts, lists, tuples and dictionaries as Python writes them; nothing is executed."""

    def read(node: ast.AST) -> Any:
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "dict" and not node.args:
            return {_named(one): read(one.value) for one in node.keywords}
        if isinstance(node, ast.Dict) and None not in node.keys:
            return {read(name): read(value) for name, value in zip(node.keys, node.values, strict=True) if name}
        if isinstance(node, ast.List | ast.Tuple):
            return (list if isinstance(node, ast.List) else tuple)(map(read, node.elts))
        if isinstance(node, ast.Name):
            raise ValueError(f"a text has quotes: {node.id!r}")
        return ast.literal_eval(node)

    try:
        return read(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, TypeError) as error:
        raise ValueError(f"{key} is no list or dictionary as a config has them: {text!r} ({error})") from error


def _named(keyword: ast.keyword) -> str:
    if keyword.arg is None:
        raise ValueError("a dictionary has names and values, not **")
    return keyword.arg


def parse_names(pairs: Sequence[str]) -> dict[str, str]:
    """NAME=VALUE arguments."""
    values: dict[str, str] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        if not name or not value:
            raise ValueError(f"expected NAME=VALUE; got {pair!r}")
        if name in values:
            raise ValueError(f"every name once; got {name} twice")
        values[name] = value
    return values


def files_written(done: Sequence[object]) -> str:
    """How many there are, in words."""
    return f"{len(done)} file{'' if len(done) == 1 else 's'} written"


def process_part() -> tuple[int, int]:
    """Which part of the work is this process's, under torchrun or accelerate: its rank, and the number of processes."""
    return int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))


def use_threads(count: int | None) -> None:
    """So many threads, or as many as this process has cores, whatever the environment says.

    Sums are in another order on another number of threads, and torchrun allows its processes one: only so do one
    process and many write the same bytes.
    """
    most = _THREADS * cores()
    if count is not None and not 1 <= count <= most:
        raise ValueError(f"threads must be 1 or more, at most {most} here; got {count}")
    import torch

    torch.set_num_threads(count or cores())
