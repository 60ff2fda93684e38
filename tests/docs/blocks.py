"""The shell and Python blocks of the pages, and what the pages say of those that no test runs.

A comment before a block, which GitHub does not show, says so with a reason:

- ``<!-- not run: REASON -->``, of the whole block;
- ``<!-- not run: `make`, `tools/x.sh`: REASON -->``, of the commands that begin so;
- ``<!-- before: CODE -->``, Python that stands before a block when it runs: what the text takes as given;
- ``<!-- config: BASE -->``, the block is a part of a config, which is read on top of that base.
"""

import re
import shlex
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

from tests.testing import ROOT

PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "docs/study/README.md",
]

_COMMENT = r"^ *<!-- (?P<key>not run|before|config): (?P<text>(?:(?!-->).)*?) -->\n"
_BLOCK = re.compile(
    rf"(?:{_COMMENT})?^(?P<indent> *)```(?P<language>bash|python)\n(?P<code>.*?)^(?P=indent)```$",
    re.DOTALL | re.MULTILINE,
)
_PREFIXES = re.compile(r"(`[^`]+`(?:, `[^`]+`)*): (.+)", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A block of a page.

    Args:
        page: Its page.
        line: Of its first line of code.
        language: "bash" or "python".
        code: What it says.
        notes: What the comment before it says, by its key.
    """

    page: Path
    line: int
    language: str
    code: str
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def left_out(self) -> dict[str, str]:
        """Why commands are not run, by what they begin with; all begin with nothing."""
        if (text := self.notes.get("not run")) is None:
            return {}
        if match := _PREFIXES.fullmatch(text):
            return dict.fromkeys(re.findall("`([^`]+)`", match[1]), match[2])
        return {"": text}

    @property
    def commands(self) -> list[str]:
        """Of a shell block: one a line, continued lines joined, without those that are only a comment."""
        lines = self.code.replace("\\\n", " ").splitlines()
        return [line.strip() for line in lines if shlex.split(line, comments=True)]

    def reason(self, command: str) -> str | None:
        """Why a command is not run; None of one that is."""
        return next((why for start, why in self.left_out.items() if command.startswith(start)), None)

    @property
    def runs(self) -> bool:
        """Whether something of it is run."""
        parts = self.commands if self.language == "bash" else [self.code]
        return any(self.reason(part) is None for part in parts)


def blocks(page: Path) -> list[Block]:
    """In their order."""
    text = page.read_text()
    return [
        Block(
            page,
            text[: match.start("code")].count("\n") + 1,
            match["language"],
            textwrap.dedent(match["code"]),
            {match["key"]: match["text"]} if match["key"] else {},
        )
        for match in _BLOCK.finditer(text)
    ]
