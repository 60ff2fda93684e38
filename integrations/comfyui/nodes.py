"""The node that restores: images and masks in ComfyUI's shapes, progress and cancelling in its ways."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from comfy import model_management
from comfy_api.latest import ComfyAPISync, ComfyExtension, io
from torch import Tensor

from cfmrestore import Restorer


class CFMRestore(io.ComfyNode):
    """Images (b, h, w, c) restored and enlarged by a flow, each by itself and all with one seed."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="CFMRestore",
            display_name="Restore (cfmrestore)",
            category="image/upscaling",
            description="Enlarge and restore images by flow matching: small models, on any device, of any size.",
            inputs=[
                io.Image.Input("image"),
                io.Combo.Input(
                    "model",
                    options=list(Restorer.bundled_models()),
                    default="cfm-x4-fast",
                    tooltip="x4: pictures that were shrunk and nothing else; realsr: photographs with noise, blur or "
                    "JPEG artifacts; fast: in one evaluation.",
                ),
                io.String.Input(
                    "other_model",
                    default="",
                    tooltip="In place of the model above: a checkpoint, a work directory, or org/name of a hub.",
                ),
                io.Float.Input(
                    "scale",
                    default=0.0,
                    min=0.0,
                    max=64.0,
                    step=0.25,
                    tooltip="Pixels of the result a pixel of the image; 0 is the model's own scale.",
                ),
                io.Float.Input(
                    "fidelity",
                    default=0.0,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    display_mode=io.NumberDisplay.slider,
                    tooltip="From 0, the most detailed, to 1, the closest to the image.",
                ),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=2**53 - 1,
                    control_after_generate=True,
                    tooltip="Another one draws other detail.",
                ),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="Where the image is transparent, as Load Image says; of a model that inpaints, its holes.",
                ),
            ],
            outputs=[io.Image.Output(), io.Mask.Output(tooltip="Where the result is transparent.")],
        )

    @classmethod
    def execute(
        cls,
        image: Tensor,
        model: str,
        other_model: str,
        scale: float,
        fidelity: float,
        seed: int,
        mask: Tensor | None = None,
    ) -> io.NodeOutput:
        restorer = Restorer.from_pretrained(other_model.strip() or model)
        planes = image.movedim(-1, 1).clamp(0, 1)
        holes = None if mask is None else fitted(mask, planes)
        if holes is not None and not restorer.needs:
            planes, holes = torch.cat([planes[:, :3], 1 - holes], dim=1), None
        restored = torch.stack(
            [
                restorer(
                    one,
                    mask=None if holes is None else holes[index],
                    scale=scale or None,
                    fidelity=fidelity,
                    seed=seed,
                    on_progress=reporter(index, len(planes)),
                )
                for index, one in enumerate(planes)
            ]
        )
        transparent = 1 - restored[:, -1] if restored.shape[1] in (2, 4) else torch.zeros_like(restored[:, 0])
        return io.NodeOutput(restored[:, : image.shape[-1]].movedim(1, -1), transparent)


def fitted(mask: Tensor, planes: Tensor) -> Tensor:
    """A mask (h, w) or (b, h, w) as (b, 1, h, w) of the images' number and size: fewer come again, more are left out.

    Load Image has 64x64 zeros for an image without transparency.
    """
    mask = mask.reshape(-1, 1, *mask.shape[-2:]).clamp(0, 1)
    if mask.shape[-2:] != planes.shape[-2:]:
        mask = F.interpolate(mask, size=planes.shape[-2:], mode="bilinear")
    return mask.repeat(-(-len(planes) // len(mask)), 1, 1, 1)[: len(planes)]


def reporter(index: int, count: int) -> Callable[[float], None]:
    """What is called with the done part of one image of several; it raises where the user has cancelled."""
    execution = ComfyAPISync().execution

    def report(done: float) -> None:
        model_management.throw_exception_if_processing_interrupted()
        execution.set_progress(value=index + done, max_value=count)

    return report


class CFMRestoreExtension(ComfyExtension):
    """What ComfyUI loads."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return [CFMRestore]


async def comfy_entrypoint() -> CFMRestoreExtension:
    return CFMRestoreExtension()
