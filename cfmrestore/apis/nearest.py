"""The nearest training pictures of generated ones: are they copies?"""

from pathlib import Path
from typing import Any

from cfmrestore.engine.panels import write_png
from cfmrestore.evaluation.metrics.feature_space import FeatureSpace
from cfmrestore.imageio.atomic import check_free
from cfmrestore.registry import load_plugins
from cfmrestore.reports.json_csv import write_json
from cfmrestore.reports.markdown import markdown_table
from cfmrestore.reports.nearest import Pictures, open_pictures, sheet, summarize, table_lines


def nearest(
    generated: str | Path,
    train: str | Path,
    *,
    held_out: str | Path | None = None,
    features: str | None = None,
    weights: str | None = None,
    neighbors: int = 5,
    rows: int = 20,
    out: str | Path = "nearest.png",
    overwrite: bool = False,
) -> dict[str, Any]:
    """Look for each generated picture in the training set; write a sheet, and the numbers as JSON beside it.

    Args:
        generated: Folder of the pictures.
        train: Folder of what was trained on, or a dataset with its split, such as ``Digits:train``.
        held_out: The same of real pictures that were not trained on: how near those come is what copies are told by.
        features: Compare in the space of this feature extractor; without, by the root mean squared difference of
            pixels, in levels of 255.
        weights: File with the extractor's weights, or its folder; without it, where they usually lie.
        neighbors: How many neighbors are shown.
        rows: How many pictures are shown, those that are nearest to one.
        out: The sheet, ``.png``.
        overwrite: Replace files that are there.
    """
    load_plugins()
    if Path(out).suffix != ".png" or neighbors < 1 or rows < 1:
        raise ValueError(f"the sheet is a .png file of 1 or more neighbors and rows; got {out=}, {neighbors=}, {rows=}")
    check_free([Path(out), Path(out).with_suffix(".json")], overwrite)
    space = None if features is None else FeatureSpace(features, weights)
    made, known = Pictures(open_pictures(generated), space), Pictures(open_pictures(train), space)
    found = made.search(known, min(neighbors, len(known)))
    sets = {"generated": found}
    if held_out is not None:
        sets["held out"] = Pictures(open_pictures(held_out), space).search(known, 1)
    summary = summarize(sets)
    unit = "levels" if space is None else f"in {features}"
    print(markdown_table([[f"distance from training, {unit}", "pictures", "median", "minimum"], *table_lines(summary)]))
    if "held out" in sets:
        print(
            f"{summary['closer']} of {len(made)} generated pictures are closer to a training picture than any of "
            f"{summary['held out']['pictures']} held-out ones; {summary['closer_by_chance']:.1f} would be by chance"
        )
    order = found.distances[:, 0].argsort(stable=True).tolist()
    write_png(out, sheet(made, known, found, order[:rows]))
    details = [
        {
            "picture": made.data.name(i),
            "neighbors": [known.data.name(j) for j in found.indices[i].tolist()],
            "distances": found.distances[i].tolist(),
        }
        for i in order
    ]
    write_json(Path(out).with_suffix(".json"), {"unit": unit, **summary, "nearest": details})
    return summary
