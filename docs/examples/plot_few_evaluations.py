"""
Two evaluations in place of six
===============================

``cfm-x4-fast`` is a flow map: it is told how far a step goes and answers with the mean velocity on the way. Beside it
the flow that it learned from, at as many evaluations and at its own number.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

import cfmrestore
from cfmrestore import Restorer

photographs = Path(cfmrestore.__file__).parents[1] / "data" / "photographs" / "held_out"
original = Image.open(photographs / "forest.png").convert("RGB").crop((40, 40, 232, 232))
small = original.resize((48, 48), Image.Resampling.BICUBIC)

flow, flow_map = Restorer.from_pretrained("cfm-x4"), Restorer.from_pretrained("cfm-x4-fast")
pictures = {
    "flow, 6 evaluations": flow(small, seed=0),
    "flow, 2 evaluations": flow(small, seed=0, num_intervals=2),
    "flow map, 2 evaluations": flow_map(small, seed=0),
    "original": original,
}

# %%
# Both are samples, so that neither is the original; how fine they are can be compared, by what is left when each is
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
