"""The cost of a training on 1 to 1,024 GPUs, as a table and a picture."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cfmrestore.analysis.scaling import Constants, Cost, constants_rows, cost
from cfmrestore.reports.figures import new_figure, save_figure
from cfmrestore.reports.json_csv import write_json
from cfmrestore.reports.markdown import fill, markdown_table

GPUS = (1, 8, 16, 64, 256, 1024)


def benchmark_scaling(
    gpus: Sequence[int] = GPUS,
    *,
    page: str | None = None,
    picture: str | None = None,
    out: str | None = None,
) -> list[dict[str, Any]]:
    """Print what the model of scaling says of numbers of GPUs.

    Args:
        gpus: The numbers.
        page: A Markdown file, between whose marks "scaling" the tables go.
        picture: A PNG file: efficiency and time lost by the number of GPUs.
        out: A JSON file for the figures.
    """
    if min(gpus) < 1:
        raise ValueError(f"a training needs one GPU or more; got {min(gpus)}")
    found = [cost(count) for count in gpus]
    text = scaling_text(found)
    print(text)
    if page is not None:
        fill(page, "scaling", text)
    if picture is not None:
        _draw(Path(picture))
    rows = [asdict(one) for one in found]
    if out is not None:
        write_json(out, rows)
    return rows


def scaling_text(found: Sequence[Cost]) -> str:
    """Two tables: what the model says, and what it takes as given."""
    rows = [[
        "GPUs", "step, ms", "waits for gradients, ms", "read, GB/s", "a checkpoint every", "lost", "efficiency",
        "latents/s", "100 M latents",
    ]]  # fmt: skip
    rows += [
        [
            str(one.gpus), f"{1e3 * one.step:.1f}", f"{1e3 * one.gradients:.2f}", f"{one.reading / 1e9:.2f}",
            f"{one.interval / 60:.0f} min", f"{100 * one.lost:.2f} %", f"{100 * one.efficiency:.1f} %",
            f"{one.latents:,.0f}", f"{1e8 / one.latents / 3600:,.1f} h",
        ]
        for one in found
    ]  # fmt: skip
    k = Constants()
    checkpoint = k.state * k.parameters / 1e9
    sizes = f"100 M latents are {1e8 * k.entry / 1e12:.1f} TB in a cache; a checkpoint is {checkpoint:.1f} GB."
    return f"{markdown_table(rows)}\n{sizes}\n\n{markdown_table([*constants_rows()])}"


def _draw(picture: Path) -> None:
    counts = [2**power for power in range(11)]
    found = [cost(count) for count in counts]
    figure, ((axes,),) = new_figure(1, 1, 6.0, 3.4)
    axes.plot(counts, [100 * one.efficiency for one in found], "o-", label="efficiency")
    lost = [100 * one.gradients / one.step for one in found]
    axes.plot(counts, lost, "s-", label="waiting for gradients")
    axes.plot(counts, [100 * one.lost for one in found], "^-", label="checkpoints and restarts")
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set(xlabel="GPUs", ylabel="percent", ylim=(0, 105))
    axes.grid(alpha=0.3)
    axes.legend()
    save_figure(figure, picture, "What a training on many GPUs reaches, by the model")
