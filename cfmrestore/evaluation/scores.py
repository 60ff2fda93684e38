"""Scores of metrics: numbers by row and column of a table, and where there are any those of single images."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Score:
    """One number of a table, and what it is the mean of by the images' names: nothing where it is of a whole set."""

    mean: float
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class MeasuredImages:
    """Which images were measured."""

    names: Sequence[str]  # in the order of result files
    sha256: str  # digest of names and pixels
    scale: int | None = None  # pixels of a restoration a pixel of its input, if that is known and the same for all
    seconds: float | None = None  # median time of a restoration, where it was taken
    inputs_sha256: str | None = None  # digest of names and pixels of the inputs, where all have one


@dataclass(frozen=True)
class Scores:
    """Scores of one set of images, by one metric or by several.

    Its rows are "restored", and what stands beside it: "bicubic", "encoder".
    """

    rows: Mapping[str, Mapping[str, Score]] = field(default_factory=dict)  # by row and column
    higher_is_better: Mapping[str, bool] = field(default_factory=dict)  # by column
    warnings: Sequence[str] = ()  # what a reader of the numbers must know
    images: MeasuredImages | None = None  # where a metric says so

    @classmethod
    def merge(cls, parts: Iterable["Scores"]) -> "Scores":
        """The scores of several metrics, whose columns differ."""
        parts, rows = list(parts), dict[str, dict[str, Score]]()
        for part in parts:
            for row, columns in part.rows.items():
                rows.setdefault(row, {}).update(columns)
        directions = {column: higher for part in parts for column, higher in part.higher_is_better.items()}
        warnings = [text for part in parts for text in part.warnings]
        return cls(rows, directions, warnings, next((part.images for part in parts if part.images), None))

    @classmethod
    def from_flat(cls, means: Mapping[str, float]) -> "Scores":
        """Scores of mmengine's flat dict, as metrics of other packages return it."""
        split = [(*key.rpartition("/"), mean) for key, mean in means.items()]
        return cls.merge(cls({row or "restored": {column: Score(mean)}}) for row, _, column, mean in split)

    def to_flat(self) -> dict[str, float]:
        """Means by the keys that mmengine logs: "PSNR" of the restoration, "bicubic/PSNR" of another row."""
        return {
            column if row == "restored" else f"{row}/{column}": columns[column].mean
            for column in dict.fromkeys(column for columns in self.rows.values() for column in columns)
            for row, columns in self.rows.items()
            if column in columns
        }

    def means(self) -> dict[str, dict[str, float]]:
        """Means by row and column."""
        return {row: {column: score.mean for column, score in columns.items()} for row, columns in self.rows.items()}
