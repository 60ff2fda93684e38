"""
The dial between faithful and detailed
======================================

One model restores at any point between the mean of all photographs that the small one may come from, which has the
smallest error, and one of them, which has the detail of photographs.
"""

from pathlib import Path

import matplotlib.pyplot as plt
from PIL import Image

import cfmrestore
from cfmrestore import Restorer

photographs = Path(cfmrestore.__file__).parents[1] / "data" / "photographs" / "held_out"
original = Image.open(photographs / "coffee.png").convert("RGB").crop((120, 60, 376, 252))
small = original.resize((64, 48), Image.Resampling.BICUBIC)

# %%
# Fidelity 1 costs one evaluation of the network and fidelity 0 as many as the solver takes, two by this model; between
# them both are mixed, at three.

restorer = Restorer.from_pretrained("cfm-x4")
pictures = {"bicubic": small.resize(original.size, Image.Resampling.BICUBIC)}
for fidelity in (1.0, 0.5, 0.0):
    pictures[f"fidelity {fidelity:g}"] = restorer(small, fidelity=fidelity, seed=0)
pictures["original"] = original

# %%
# The cup's rim gets sharper from left to right; what is finer than the small picture tells is drawn, not known.

figure, axes = plt.subplots(1, len(pictures), figsize=(12, 2.4), layout="constrained")
for axis, (name, picture) in zip(axes, pictures.items(), strict=True):
    axis.imshow(picture)
    axis.set_title(name)
    axis.axis("off")
plt.show()
