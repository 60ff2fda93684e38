"""The model zoo: from the cards of the shipped models and from the metafiles of the configs."""

from itertools import chain
from typing import Any

import yaml

from _generate.links import ROOT
from cfmrestore.model_zoo import cards
from cfmrestore.reports.markdown import format_number

HEAD = """# Model zoo

Made of the cards in `cfmrestore/weights/models.json` and of the `metafile.yml` of every folder of configs, which say
what the [result files](../results/README.md) say. What the numbers mean, and on other sets:
[the shipped models](../models.md) and [the report](../report.md).

## In the package

| model | for | evaluations | PSNR | NIQE | on | parameters |
| --- | --- | --- | --- | --- | --- | --- |
"""


def model_zoo_page() -> str:
    """Shipped models, what each was made by, and the results of all configs."""
    known = {name: dict(card) for name, card in cards().items()}
    figures = ("evaluations", "PSNR", "NIQE", "on")
    lines = [
        f"| [`{name}`](#{name}) | {card['what']} | {' | '.join(_text(card['figures'][key]) for key in figures)} "
        f"| {card['parameters'] / 1e6:.2f} M |\n"
        for name, card in known.items()
    ]
    return "".join(
        [HEAD, *lines, *chain.from_iterable(map(_card, known.items())), "\n## Of the configs\n\n", *_results()]
    )


def _text(figure: float | str) -> str:
    return figure if isinstance(figure, str) else format_number(figure)


def _card(item: tuple[str, dict[str, Any]]) -> list[str]:
    name, card = item
    rows = {
        "made by": f"`{card['command']}`",
        "on": card["data"],
        "degraded by": f"`{card['degradation']}`",
        "iterations, seed": f"{card['iter']}, {card['seed']}",
        "encoder": f"{card['encoder']['name']}, digest `{card['encoder']['digest']}`",
        "sha256 of the weights": f"`{card['sha256']}`",
        "license": card["license"],
        "versions": ", ".join(f"{key} {value}" for key, value in card["versions"].items()),
    }
    return [f"\n### {name}\n\n| | |\n| --- | --- |\n", *(f"| {key} | {value} |\n" for key, value in rows.items())]


def _results() -> list[str]:
    """A row a data set of every config whose metafile has results, and what has none."""
    rows, without = [], []
    for path in sorted((ROOT / "configs").rglob("metafile.yml")):
        for model in yaml.load(path.read_text(), Loader=yaml.BaseLoader)["Models"]:
            place = f"`{model['Config']}`"
            for result in model["Results"] or ():
                numbers = ", ".join(f"{key} {value}" for key, value in result["Metrics"].items())
                rows.append(f"| {place} | {result['Dataset']} | {numbers} |\n")
            if not model["Results"]:
                without.append(place)
    head = "| config | set | |\n| --- | --- | --- |\n"
    return [head, *rows, f"\nWithout results: {', '.join(without)}.\n"]
