"""A page of what ``benchmark all`` measured."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cfmrestore.analysis.benchmarks.floor import floor_lines
from cfmrestore.analysis.benchmarks.profile import profile_lines
from cfmrestore.analysis.benchmarks.sampling import sampling_lines
from cfmrestore.reports.json_csv import read_json
from cfmrestore.reports.markdown import fill, markdown_table


def benchmark_page(results: str | Path, page: str | Path = "docs/speed.md") -> str:
    """Put the figures of a JSON file between the marks "speed" of a page; they are returned.

    Args:
        results: What ``benchmark all`` wrote.
        page: A Markdown file.
    """
    text = "\n".join(page_lines(read_json(results)))
    fill(page, "speed", text)
    return text


def page_lines(found: dict[str, Any]) -> Iterator[str]:
    """All figures, with the machine on which they were measured."""
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    yield f"Measured on {found['date']} at commit `{found['commit']}`: {found['processor']},"
    yield f"threads: {found['threads']}, load before: {found['load']:.1f}; {versions}.\n"
    yield markdown_table([["what", "beside", "ratio"], *_networks(found), *_others(found)])
    if floors := _floors(found):
        yield "## Networks beside their layers alone\n"
        for floor in floors:
            yield from floor_lines(floor)
    if "samplings" in found:
        yield "## Around the evaluations of a sampling\n"
        for sampling in found["samplings"]:
            yield "; ".join(sampling_lines(sampling)) + ".\n"
    if "profile" in found:
        yield "## Where the time goes\n"
        yield f"Of `{found['profile']['config']}`:\n"
        yield from profile_lines(found["profile"])


def _floors(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [*found.get("floors", []), *([found["compiled"]] if "compiled" in found else [])]


def _networks(found: dict[str, Any]) -> Iterator[list[str]]:
    """Evaluations and training steps beside their layers, ways to evaluate beside the first, and samplings."""
    for floor in _floors(found):
        size, first = f"{floor['parameters'] / 1e6:.1f} M, batch {floor['batch']}", floor["rows"][0]
        for row in floor["rows"]:
            if row["name"].endswith("fp32, eager"):
                yield [f"{row['name']}, {size}", "its layers alone", f"{row['over_floor']:.2f}"]
        for row in floor["rows"][1:-1]:
            ratio = row["milliseconds"] / first["milliseconds"]
            yield [f"{row['name']}, {size}", first["name"], f"{ratio:.2f}"]
    for one in found.get("samplings", []):
        what = f"{one['evaluations']} evaluations, {one['parameters'] / 1e6:.1f} M"
        yield [what, "the network alone", f"{1 / (1 - one['share_outside']):.3f}"]


def _others(found: dict[str, Any]) -> Iterator[list[str]]:
    """Training beside bare steps, degradation and metrics beside basicsr's, restoring beside network and encoder."""
    if "train" in found:
        yield ["an iteration of the runner", "a bare step", f"{1 + found['train']['cases']['quiet']['overhead']:.3f}"]
    for strategy, ratio in found.get("ranks", {}).get("ratios", {}).items():
        count = found["ranks"]["ranks"]
        what = f"an iteration of {count} processes that train together ({strategy}), a core each"
        yield [what, "as many that train alone", f"{1 / ratio:.3f}"]
    for kind in ("without sharpening", "whole"):
        if "degrade" in found:
            yield [f"Real-ESRGAN's chain, {kind}", "basicsr's", f"{1 / found['degrade'][kind]['quiet']['ratio']:.2f}"]
    for name in ("PSNR+SSIM", "NIQE"):
        if name in found.get("metrics", {}):
            ratio = found["metrics"][name]["cases"]["quiet"]["ratio_of_medians"]
            yield [name, "basicsr's", f"{1 / ratio:.2f}"]
    if "restore" in found:
        overhead = found["restore"]["cases"]["quiet"]["overhead"]
        yield ["a restoration from file to file", "network and encoder", f"{1 / (1 - overhead):.3f}"]
