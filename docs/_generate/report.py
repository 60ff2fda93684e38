"""The report, and the tables of other pages, made of result files: ``python docs/_generate/report.py``.

The text of the report is the template ``report.md`` beside this file; in other pages a table stands between the lines
``<!-- NAME: begin -->`` and ``<!-- NAME: end -->``, where NAME is that of a result.
"""

import re
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

import yaml  # noqa: E402
from jinja2 import Environment, StrictUndefined  # noqa: E402

from _generate.links import ROOT  # noqa: E402
from _generate.results import Result, milliseconds, results, study  # noqa: E402
from cfmrestore.imageio.atomic import write_text  # noqa: E402
from cfmrestore.model_zoo import cards  # noqa: E402
from cfmrestore.reports.markdown import format_number  # noqa: E402

PLACE = re.compile(r"(<!-- (\S+): begin -->\n).*?(<!-- \2: end -->)", re.DOTALL)
PAGES = ("README.md", "docs/*.md", "configs/*/README.md", "cfmrestore/weights/README.md")


def report() -> str:
    """The page of the report."""
    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    template = environment.from_string((Path(__file__).parent / "report.md").read_text(encoding="utf-8"))
    counted = parameters()
    recipes = sum(name.startswith("lfm_") for name in counted)
    sources = {"results": results(), "cards": cards(), "study": study, "milliseconds": milliseconds}
    return template.render(sources, parameters=counted, recipes=recipes)


def parameters() -> dict[str, int]:
    """Of the networks of all metafiles, by the names of their configs."""
    models = [
        one for path in (ROOT / "configs").rglob("metafile.yml") for one in yaml.safe_load(path.read_text())["Models"]
    ]
    return {one["Name"]: one["Metadata"]["Parameters"] for one in models if "Metadata" in one}


def models(known: dict[str, Result]) -> Result:
    """A row for each shipped model, of its card, beside bicubic interpolation on the same set."""
    beside = {"Set14": (known["fast"], "Set14"), "DRealSR": (known["fast"], "93 pairs of DRealSR (two cameras)")}
    rows = {}
    for name, card in cards().items():
        figures = card["figures"]
        shown = {key: format_number(figures[key]) for key in ("evaluations", "PSNR", "NIQE")}
        if (there := beside.get(figures["on"])) is None:
            bicubic = "-"
        else:
            bicubic = " / ".join(there[0].text("bicubic", key, there[1]) for key in ("PSNR", "NIQE"))
        rows[f"`{name}`"] = {"for": card["what"], **shown, "bicubic": bicubic, "on": figures["on"]}
    return Result("The shipped models", {"model": rows})


def filled(text: str, known: dict[str, Result]) -> str:
    """A page with the tables of the results that it has a place for."""

    def made(match: re.Match[str]) -> str:
        return f"{match[1]}\n{known[match[2]].markdown()}\n{match[3]}" if match[2] in known else match[0]

    return PLACE.sub(made, text)


def pages() -> dict[Path, str]:
    """All that is made of results, by its place."""
    target, known = ROOT / "docs" / "report.md", results()
    known["models"] = models(known)
    others = {path: path for pattern in PAGES for path in sorted(ROOT.glob(pattern)) if path != target}
    return {target: report(), **{path: filled(path.read_text(encoding="utf-8"), known) for path in others}}


if __name__ == "__main__":
    for path, text in pages().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            write_text(path, text)
            print(path.relative_to(ROOT))
