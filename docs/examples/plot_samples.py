"""
Where a model invents
=====================

Several restorations of one small picture agree where it tells what is there, and differ where the model draws it. The
standard deviation over them is a map of what not to believe.
"""

from pathlib import Path

import matplotlib.pyplot as plt
from PIL import Image

import cfmrestore
from cfmrestore import Restorer

photographs = Path(cfmrestore.__file__).parents[1] / "data" / "photographs" / "held_out"
original = Image.open(photographs / "astronaut.png").convert("RGB").crop((120, 0, 376, 256))
small = original.resize((64, 64), Image.Resampling.BICUBIC)

# %%
# Sample number i is what the seed i gives alone.

restorer = Restorer.from_pretrained("cfm-x4")
samples = restorer.sample(small, count=4, fidelity=0.0, noise=1.2)
print(samples.nfe, "evaluations of the network")

# %%
# Shadows and plain cloth are certain; edges, hair and the grain of the wall are drawn.

figure, axes = plt.subplots(1, 4, figsize=(11, 3), layout="constrained")
shown = {"input": small, "one sample": samples.images[0], "another": samples.images[1]}
for axis, (name, picture) in zip(axes, shown.items(), strict=False):
    axis.imshow(picture)
    axis.set_title(name)
heat = axes[3].imshow(samples.spread, cmap="magma")
axes[3].set_title("spread, in levels of 255")
figure.colorbar(heat, ax=axes[3], shrink=0.8)
for axis in axes:
    axis.axis("off")
plt.show()
