"""
One evaluation, and two
=======================

``cfm-x4`` and ``cfm-x4-fast`` are flow maps: a network is told how far a step goes and answers with the mean velocity
on the way. The first draws texture from noise, in two steps; the second was trained for one, and invents less of it.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

import cfmrestore
from cfmrestore import Restorer
from cfmrestore.restore import Settings

photographs = Path(cfmrestore.__file__).parents[1] / "data" / "photographs" / "held_out"
original = Image.open(photographs / "forest.png").convert("RGB").crop((40, 40, 232, 232))
small = original.resize((48, 48), Image.Resampling.BICUBIC)

pictures = {}
for model, intervals in (("cfm-x4-fast", None), ("cfm-x4", 1), ("cfm-x4", None)):
    restorer = Restorer.from_pretrained(model)
    count = restorer.nfe(Settings(num_intervals=intervals))
    pictures[f"{model}, {count} evaluation{'s' * (count > 1)}"] = restorer(small, seed=0, num_intervals=intervals)
pictures["original"] = original

# %%
# All are samples, so that none is the original; how fine they are can be compared, by what is left when each is
# blurred and taken away from itself.


def detail(picture: Image.Image) -> float:
    sharp = np.asarray(picture, float)
    half = picture.resize((96, 96), Image.Resampling.BOX).resize(picture.size, Image.Resampling.BICUBIC)
    return float(np.abs(sharp - np.asarray(half, float)).mean())


figure, axes = plt.subplots(1, 4, figsize=(11, 3.5), layout="constrained")
for axis, (name, picture) in zip(axes, pictures.items(), strict=True):
    axis.imshow(picture)
    axis.set_title(f"{name}\ndetail {detail(picture):.1f} levels", fontsize=10)
    axis.axis("off")
plt.show()
