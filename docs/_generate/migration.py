"""The page about what was renamed, from the table of former names and from the flags of the commands."""

from _generate.links import ROOT
from cfmrestore import former_names
from cfmrestore.cli.common import RenamedFlag
from cfmrestore.cli.main import COMMANDS, build_parser

HEAD = """# Migration

What had another name once keeps working: a config, a checkpoint, a sidecar or a command that says the former name is
read as if it said the present one, and a person who wrote it is told once (`FutureWarning`). Nothing has to be changed;
who wants the warning gone takes the right-hand column. Names in Python that changed stand in the
[changelog](repository/changelog.md).
"""


def migration_page() -> str:
    """Tables of plugins, keys, tensors and flags."""
    keys = [
        (f"`{key}` in `{place}`", f"`{new}`") for place, one in former_names.KEYS.items() for key, new in one.items()
    ]
    moved = [
        (f"`{key}` of `{cls}`", '`conditions=[dict(type="LowRes", ...)]`')
        for cls, names in former_names.MOVED.items()
        for key in names
    ]
    tensors = [(f"`{old}*`", f"`{new}*`") for old, new in former_names.TENSORS.items()]
    parts = {
        "Plugins": [(f"`{old}`", f"`{new}`") for old, new in former_names.PLUGINS.items()],
        "Config keys": keys + moved,
        "Configs": renamed_configs(),
        "Bundled models": [(f"`{old}`", f"`{new}`") for old, new in former_names.MODELS.items()],
        "Flags of commands": renamed_flags(),
        "Tensors in checkpoints": tensors,
    }
    return HEAD + "".join(_table(name, rows) for name, rows in parts.items())


def renamed_configs() -> list[tuple[str, str]]:
    """Files that say in their first line of which other one they are the former name."""
    files = [(path, path.read_text().split("\n")[0]) for path in sorted((ROOT / "configs").rglob("*.py"))]
    start = "# Former name of "
    return [(f"`{path.name}`", f"`{line.removeprefix(start)[:-1]}`") for path, line in files if line.startswith(start)]


def renamed_flags() -> list[tuple[str, str]]:
    """Flags that have another name now, of all commands."""
    return [
        (f"`{flag}` of `{command}`", f"`{action.present}`")
        for command in COMMANDS
        for action in build_parser(command)._actions
        if isinstance(action, RenamedFlag)
        for flag in action.option_strings
    ]


def _table(name: str, rows: list[tuple[str, str]]) -> str:
    lines = "".join(f"| {former} | {present} |\n" for former, present in rows)
    return f"\n## {name}\n\n| former | present |\n| --- | --- |\n{lines}"
