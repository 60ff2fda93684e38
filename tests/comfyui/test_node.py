"""The node of ComfyUI: images in its shapes, progress, cancelling, and what it says of a wrong model."""

import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from cfmrestore import Restorer, __version__
from cfmrestore.imageio import read_image
from tests.comfyui import stub
from tests.restore.flows import random_flow
from tests.testing import ROOT

Run = Callable[..., tuple[Tensor, Tensor]]


@contextmanager
def running(app: stub.ComfyUI, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[stub.ComfyNode]]:
    for name, module in app.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    yield stub.load()


@pytest.fixture
def app() -> stub.ComfyUI:
    return stub.ComfyUI()


@pytest.fixture
def node(app: stub.ComfyUI, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[stub.ComfyNode]]:
    with running(app, monkeypatch) as loaded:
        yield loaded


def photo(height: int = 24, width: int = 32, channels: int = 3) -> Tensor:
    path = sorted((ROOT / "data" / "photographs" / "held_out").iterdir())[0]
    pixels = torch.from_numpy(np.array(read_image(path)[100 : 100 + height, 100 : 100 + width])).float() / 255
    return torch.cat([pixels, torch.ones(height, width, channels - 3)], dim=-1)[None]


def test_images_as_the_restorer_gives_them(node: type[stub.ComfyNode]) -> None:
    image = torch.cat([photo(), photo().flip(2)])
    restored, transparent = stub.run(node, image=image, fidelity=0.5, seed=3)
    assert restored.shape == (2, 96, 128, 3)
    assert restored.dtype == torch.float32
    assert transparent.shape == (2, 96, 128)
    assert not transparent.any()
    restorer = Restorer.from_pretrained("cfm-x4-fast")
    for one, done in zip(image, restored, strict=True):
        assert torch.equal(done, restorer(one.movedim(-1, 0), fidelity=0.5, seed=3).movedim(0, -1))


def test_scale_and_size_are_free(node: type[stub.ComfyNode]) -> None:
    """ComfyUI gives a list of images of several sizes one by one."""
    sizes = [stub.run(node, image=photo(*size), scale=2.0)[0].shape[1:3] for size in [(24, 32), (19, 21)]]
    assert sizes == [(48, 64), (38, 42)]


def test_progress_rises_to_the_end(node: type[stub.ComfyNode], app: stub.ComfyUI) -> None:
    stub.run(node, image=torch.cat([photo()] * 3), model="cfm-x4")
    values, tops = zip(*app.reported, strict=True)
    assert list(values) == sorted(values)
    assert values[-1] == tops[-1] == 3
    assert set(tops) == {3}
    assert len(values) == 3 * 3  # two evaluations and the end, of each image


def test_cancelling_stops_between_evaluations(monkeypatch: pytest.MonkeyPatch) -> None:
    app = stub.ComfyUI(cancel_after=1)
    with running(app, monkeypatch) as node, pytest.raises(stub.InterruptProcessingError):
        stub.run(node, image=photo(), model="cfm-x4")
    assert len(app.reported) == 1  # of two evaluations


@pytest.mark.parametrize("wrong", ["no-such-model", "/no/such.safetensors"])
def test_a_wrong_model_is_named(node: type[stub.ComfyNode], wrong: str) -> None:
    known = ", ".join(Restorer.bundled_models())
    with pytest.raises(ValueError, match=rf"there is no model '{re.escape(wrong)}': .*\({known}\)"):
        stub.run(node, image=photo(), other_model=wrong)


def test_the_text_field_comes_before_the_choice(node: type[stub.ComfyNode]) -> None:
    path = str(ROOT / "cfmrestore" / "weights" / "cfm-realsr-x4.safetensors")
    named, _ = stub.run(node, image=photo(), model="cfm-realsr-x4")
    assert torch.equal(named, stub.run(node, image=photo(), other_model=f" {path}\n")[0])


def test_a_mask_is_transparency(node: type[stub.ComfyNode]) -> None:
    mask = torch.zeros(1, 24, 32)
    mask[:, :, :16] = 1
    restored, transparent = stub.run(node, image=photo(), mask=mask)
    assert restored.shape == (1, 96, 128, 3)
    assert (transparent[:, :, :56] == 1).all()
    assert (transparent[:, :, 72:] == 0).all()


def test_load_image_without_transparency(node: type[stub.ComfyNode]) -> None:
    """It gives 64x64 zeros, whatever the image's size."""
    image = torch.cat([photo(), photo().flip(1)])
    restored, transparent = stub.run(node, image=image, mask=torch.zeros(1, 64, 64))
    assert not transparent.any()
    assert torch.equal(restored, stub.run(node, image=image)[0])


def test_images_of_four_channels_keep_them(node: type[stub.ComfyNode]) -> None:
    image = photo(channels=4)
    image[..., 12:, 3] = 0
    restored, transparent = stub.run(node, image=image)
    assert restored.shape == (1, 96, 128, 4)
    assert torch.equal(transparent, 1 - restored[..., 3])
    assert transparent[0, :, -1].all()


def test_a_model_that_inpaints_fills_the_mask(node: type[stub.ComfyNode], monkeypatch: pytest.MonkeyPatch) -> None:
    flow = random_flow(scale=1, conditions=[{"type": "LowRes"}, {"type": "Inpaint"}])
    monkeypatch.setattr(Restorer, "from_pretrained", lambda path: Restorer(flow, device="cpu"))
    mask = torch.zeros(1, 24, 32)
    mask[:, 8:16, 8:16] = 1
    image = photo()
    restored, _ = stub.run(node, image=image, mask=mask)
    known = mask[0] == 0
    assert restored.shape == image.shape
    assert torch.equal(restored[0][known], image[0][known])
    assert not torch.equal(restored[0][~known], image[0][~known])


def test_what_the_api_does_not_have_is_refused() -> None:
    """The mutants: an unknown keyword, and a node that leaves an output out."""
    io = stub.ComfyUI().modules()["comfy_api.latest"].io
    with pytest.raises(TypeError, match="minimum"):
        io.Float.Input("scale", minimum=0)

    class Short(io.ComfyNode):  # type: ignore[misc, name-defined]
        @classmethod
        def define_schema(cls) -> object:
            return io.Schema(node_id="Short", inputs=[], outputs=[io.Image.Output()])

        @classmethod
        def execute(cls) -> stub.NodeOutput:
            return io.NodeOutput()

    with pytest.raises(AssertionError):
        stub.run(Short)


def test_the_registry_knows_the_version() -> None:
    metadata = tomllib.loads((stub.NODES / "pyproject.toml").read_text())
    project, comfy = metadata["project"], metadata["tool"]["comfy"]
    assert project["version"] == __version__
    assert re.fullmatch(r"(?!.*comfyui)[a-z]+(?:[-_.][a-z0-9]+)*", project["name"])
    assert {"PublisherId", "DisplayName"} <= comfy.keys()
    assert "Repository" in project["urls"]
    needed = Path(stub.NODES / "requirements.txt").read_text().split()
    assert needed == [f"cfmrestore>={__version__}"]
