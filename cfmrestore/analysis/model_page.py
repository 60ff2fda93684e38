"""The page of a published model, README.md: what a hub reads, in YAML, and what people do."""

from collections.abc import Mapping, Sequence
from typing import Any

from cfmrestore.flows.coupling_flow import CouplingFlow
from cfmrestore.reports.markdown import markdown_table
from cfmrestore.restore.published import LIBRARY

CURVES = "training.png"
_LICENSES = {
    "apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0",
    "cc-by-nc-sa-4.0", "cc-by-nc-nd-4.0", "gpl-3.0", "lgpl-3.0", "agpl-3.0", "mpl-2.0", "openrail",
    "creativeml-openrail-m", "unlicense", "unknown",
}  # fmt: skip
"""What a hub knows by name; any other is "other", whose name stands beside it."""


def model_page(name: str, place: str, card: Mapping[str, Any], flow: CouplingFlow, pictures: Sequence[str]) -> str:
    """The README: what a hub reads, in YAML, and what people do."""
    rows = [[key, _text(value)] for key, value in card.items() if key not in ("what", "inputs")]
    parts = [
        f"---\n{_head(card, flow)}\n---\n\n# {name}\n",
        *([f"{card['what']}\n"] if "what" in card else []),
        f"A model of {LIBRARY}:\n",
        _example(place, flow),
        *(f"![results of {name}]({one})\n" for one in pictures),
        markdown_table([["", name], *rows]),
        f"![loss and metrics while training {name}]({CURVES})\n",
    ]
    return "\n".join(parts)


def _head(card: Mapping[str, Any], flow: CouplingFlow) -> str:
    """What a hub reads of a page, in YAML."""
    from huggingface_hub import ModelCardData

    license_ = str(card["license"])
    known = license_.lower().replace(" ", "-")
    terms: dict[str, Any] = {"license": known} if known in _LICENSES else {"license": "other", "license_name": license_}
    needs, restores = _needs(flow), _restores(flow)
    kinds = {
        "image-restoration": restores,
        "super-resolution": restores and flow.coupling.scale > 1,
        "inpainting": "mask" in needs,
        "image-generation": not restores,
    }
    head = ModelCardData(
        library_name=LIBRARY,
        pipeline_tag="image-to-image" if restores else "unconditional-image-generation",
        tags=[LIBRARY, "flow-matching", *(kind for kind, is_so in kinds.items() if is_so)],
        **terms,
    )
    return str(head.to_yaml()).rstrip()


def _restores(flow: CouplingFlow) -> bool:
    """Whether a flow starts at an image, or is told one; else it draws pictures from noise."""
    return flow.coupling.needs_input or flow.conditions.tells_input


def _needs(flow: CouplingFlow) -> set[str]:
    return {key for part in flow.conditions.parts for key in part.needs}


def _example(place: str, flow: CouplingFlow) -> str:
    """How it is used, in Python and by a command."""
    needs, opened = _needs(flow), 'Image.open("picture.png")'
    if "mask" in needs:
        given, command = f'{opened}, mask=Image.open("mask.png")', f"inpaint picture.png mask.png --model {place}"
    elif _restores(flow):
        given, command = opened, f"restore picture.png --model {place}"
    elif "map" in needs:
        given, command = "maps=maps", f"sample {place} --maps maps"
    elif "label" in needs:
        given, command = "labels=[0, 1, 2, 3]", f"sample {place} --classes 0 1 2 3"
    else:
        given, command = "4", f"sample {place} --count 4"
    kind = "Restorer" if _restores(flow) else "Sampler"
    images = "from PIL import Image\n\n" if _restores(flow) else ""
    python = f'{images}from {LIBRARY} import {kind}\n\nmodel = {kind}.from_pretrained("{place}")\n'
    return f"```python\n{python}result = model({given})\n```\n\n```bash\n{LIBRARY} {command}\n```\n"


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {one}" for key, one in value.items())
    return str(value).replace("|", "\\|").replace("\n", " ")
