"""
A photograph under seven draws of a degradation
===============================================

What makes a training's inputs can be looked at first. A draw depends on its seed alone, is told as JSON, and gives the
same bytes when it is played again.
"""

import json
from pathlib import Path

import matplotlib.pyplot as plt
import torch

import cfmrestore
from cfmrestore.degradations import Compose
from cfmrestore.imageio import read_image
from cfmrestore.ops.rng import ImageRng

photographs = Path(cfmrestore.__file__).parents[1] / "data" / "photographs" / "train"
pixels = read_image(photographs / "cat.jpg")[:256, :256]
image = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255

chain = Compose(
    steps=[
        dict(type="GaussianBlur", sigma=(0.2, 3.0)),
        dict(type="Downscale", scale=4),
        dict(type="OneOf", steps=[dict(type="GaussianNoise"), dict(type="PoissonNoise")]),
        dict(type="JPEG", quality=(20, 90)),
    ]
)

# %%
# Seven seeds, one call: image i of the batch has the bytes of image i alone.

batch = image.repeat(7, 1, 1, 1)
params = chain.draw(batch, ImageRng(list(range(7))))
low = chain.apply(batch, params)

again = chain.params_from_json(json.loads(json.dumps(chain.params_to_json(params))))
print("the same bytes from JSON:", torch.equal(low, chain.apply(batch, again)))

# %%

figure, axes = plt.subplots(2, 4, figsize=(11, 5.6), layout="constrained")
axes[0, 0].imshow(pixels)
axes[0, 0].set_title("original")
for number, axis in enumerate(axes.flat[1:]):
    axis.imshow(low[number].clamp(0, 1).permute(1, 2, 0))
    axis.set_title(f"seed {number}")
for axis in axes.flat:
    axis.axis("off")
plt.show()
