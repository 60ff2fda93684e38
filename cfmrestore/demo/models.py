"""Models that the page offers; no web framework is needed to ask for them."""

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from cfmrestore import model_zoo
from cfmrestore.apis.models import models
from cfmrestore.demo.uploads import PageRestorer, to_displayable
from cfmrestore.imageio.picture import Metadata, Picture
from cfmrestore.restore.auto_model import AUTO, choose, covering

AUTOMATIC = (
    "The model is chosen for each picture by what was done to it: by the blocks of JPEG, noise and blur that are found "
    "in it. The line below the result says which, and why."
)


class PageModels:
    """Restorers by name, each loaded when it is first asked for.

    Args:
        load: The restorer of a name.
        names: What can be chosen.
        chosen: What is chosen until one chooses.
    """

    def __init__(self, load: Callable[[str], PageRestorer], names: Sequence[str], chosen: str) -> None:
        self.load, self.names, self.chosen = load, list(names), chosen
        self.loaded: dict[str, PageRestorer] = {}
        self.first = self.restorer(covering(()) if chosen == AUTO else chosen)

    @staticmethod
    def of(restorer: PageRestorer) -> "PageModels":
        """One restorer alone, of which nothing can be chosen."""
        return PageModels(lambda name: restorer, [""], "")

    @staticmethod
    def bundled(load: Callable[[str], PageRestorer], chosen: str) -> "PageModels":
        """All that come with the package, and the automatic choice between them."""
        return PageModels(load, [AUTO, *model_zoo.cards()], chosen)

    def restorer(self, name: str) -> PageRestorer:
        """The restorer of a name."""
        if name not in self.names and name not in model_zoo.cards():  # a page is asked by anyone's program
            raise ValueError(f"There is no model {name!r} here.")
        if name not in self.loaded:
            self.loaded[name] = self.load(name)
        return self.loaded[name]

    def take(self, name: str, image: Image.Image, scale: float) -> tuple[PageRestorer, str]:
        """The restorer for a picture that is to be so many times larger, and what is said of it."""
        if name != AUTO or AUTO not in self.names:
            return self.restorer(name), f"By {name}." if len(self.names) > 1 else ""
        pixels = np.asarray(to_displayable(image).convert("RGB"))
        choice = choose(Picture(pixels, Metadata(), "png"), scale)
        return self.restorer(choice.model), f"By {choice.model}, for {choice.reason}."


def card(name: str) -> str:
    """What is known of a bundled model, as Markdown."""
    if name == AUTO:
        return AUTOMATIC
    row = next(row for row in models() if row["name"] == name)
    figures, said = row["figures"], [f"{row['parameters'] / 1e6:.1f} M parameters, {row['bytes'] / 1e6:.1f} MB"]
    if "evaluations" in figures:
        said.append(f"{figures['evaluations']} evaluation{'s' * (figures['evaluations'] > 1)} of its network a picture")
    text = f"{name}: {row['for']}. {', '.join(said)}."
    if {"on", "PSNR", "NIQE"} <= figures.keys():
        text += f" On {figures['on']}: PSNR {figures['PSNR']:.2f}, NIQE {figures['NIQE']:.2f} (lower is more natural)."
    return text
