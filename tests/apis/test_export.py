"""Models in the formats of other programs, checked where those are."""

import hashlib
import json
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from cfmrestore import model_zoo
from cfmrestore.apis.export import export
from cfmrestore.cli.main import main
from cfmrestore.hub import file_digest
from cfmrestore.ops.rng import ImageRng
from cfmrestore.restore import Restorer
from tests.restore.flows import save_model

SIZES = ((1, 1), (1, 2), (2, 1), (3, 3), (1, 40), (33, 1), (7, 9), (16, 16), (17, 31), (5, 120), (24, 40), (63, 8))


def session(file: Path):
    runtime = pytest.importorskip("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    return runtime.InferenceSession(file.read_bytes(), options)


def picture(height: int, width: int, batch: int = 1) -> torch.Tensor:
    return ImageRng(range(batch)).uniform(3, height, width)


@pytest.mark.slow
@pytest.mark.usefixtures("open_sizes")
@pytest.mark.parametrize("model", sorted(model_zoo.cards()))
def test_onnx_of_an_image_is_the_restorers_on_all_sizes(model: str, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    file, card = export(model, "onnx", tmp_path / "model.onnx", fidelity=1)
    written = onnx.load(file)
    onnx.checker.check_model(written)
    said = {one.key: one.value for one in written.metadata_props}
    scale = Restorer.from_pretrained(model, device="cpu").scale
    assert (said["name"], said["scale"], said["nfe"], said["fidelity"]) == (model, str(scale), "1", "1")
    assert said["weights_sha256"] == model_zoo.cards()[model]["sha256"]
    axes = [[side.dim_param or side.dim_value for side in value.type.tensor_type.shape.dim]
            for value in (written.graph.input[0], written.graph.output[0])]  # fmt: skip
    larger = ["4*height", "4*width"] if scale == 4 else axes[1][2:]
    assert axes == [["batch", 3, "height", "width"], ["batch", 3, *larger]]
    assert not re.search(rb"\.py|/home|/tmp|/root", file.read_bytes())  # no places of this machine
    run, restorer = session(file), Restorer.from_pretrained(model, device="cpu")
    for size in SIZES:
        image = picture(*size, batch=1 + size[0] % 2)
        (found,) = run.run(None, {"image": image.numpy()})
        expected = restorer(image, fidelity=1, tile=0)
        torch.testing.assert_close(torch.from_numpy(found), expected, atol=1e-4, rtol=0)
    assert json.loads(card.read_text())["resources"][0]["sha256"] == file_digest(file, 64)
    if scale != 4:  # which is padded and cropped by sizes that inference does not follow
        return
    shapes = written.graph.input[0].type.tensor_type.shape.dim
    for side, length in zip(shapes, (1, 3, 16, 16), strict=True):
        side.dim_value = length
    del written.graph.value_info[:]
    written.graph.output[0].type.tensor_type.ClearField("shape")
    inferred = onnx.shape_inference.infer_shapes(written).graph.output[0]  # so programs find the scale
    assert [side.dim_value for side in inferred.type.tensor_type.shape.dim][2:] == [64, 64]


@pytest.mark.slow
@pytest.mark.usefixtures("open_sizes")
def test_parts_restore_by_several_evaluations(tmp_path: Path) -> None:
    runs = {}
    for graph in ("encoder", "network", "decoder"):
        file, _ = export("cfm-x4", "onnx", tmp_path / f"{graph}.onnx", graph=graph)
        runs[graph] = session(file)
    said = runs["network"].get_modelmeta().custom_metadata_map
    sampling = json.loads(said["sampling"])
    restorer = Restorer.from_pretrained("cfm-x4", device="cpu")
    for height, width in ((1, 3), (6, 11)):
        image = picture(height, width)
        (context,) = runs["encoder"].run(None, {"image": image.numpy()})
        noise = ImageRng([5]).fork("flow").fork("source").normal(*context.shape[1:]).numpy()
        x = np.float32(sampling["mean"]) * context + np.float32(sampling["std"]) * noise
        times = np.float32(sampling["times"])
        assert len(times) == 3
        for t, s in pairwise(times):
            (v,) = runs["network"].run(None, {"x": x, "t": t[None], "context": context, "duration": (s - t)[None]})
            x = x + (s - t) * v
        (found,) = runs["decoder"].run(None, {"latent": x})
        expected = restorer(image, fidelity=0, seed=5, tile=0)
        torch.testing.assert_close(torch.from_numpy(found), expected, atol=1e-4, rtol=0)


@pytest.mark.slow
@pytest.mark.usefixtures("open_sizes")
def test_a_program_of_torch_is_read_without_this_package(tmp_path: Path) -> None:
    file, _ = export("cfm-realsr-x4", "torch", tmp_path / "model.pt2", fidelity=1)
    extra = {"about.json": ""}
    program = torch.export.load(file, extra_files=extra).module()
    assert json.loads(extra["about.json"])["name"] == "cfm-realsr-x4"
    restorer = Restorer.from_pretrained("cfm-realsr-x4", device="cpu")
    for size in SIZES[::3]:
        image = picture(*size)
        torch.testing.assert_close(program(image), restorer(image, fidelity=1, tile=0), atol=1e-4, rtol=0)


@pytest.mark.slow
@pytest.mark.usefixtures("open_sizes")
@pytest.mark.parametrize("encoder", [{"type": "Haar", "factor": 8}, {"type": "Haar", "factor": 2}])
def test_images_are_padded_inside_of_the_graph(encoder: dict, tmp_path: Path) -> None:
    """A network of two levels, a space whose samples are larger than the input's pixels."""
    model = save_model(tmp_path / "model.pth", encoder=encoder)
    file, _ = export(model, "onnx", tmp_path / "model.onnx")
    run, restorer = session(file), Restorer.from_pretrained(model, device="cpu")
    for size in SIZES:
        image = picture(*size)
        (found,) = run.run(None, {"image": image.numpy()})
        expected = restorer(image, fidelity=1, tile=0)
        torch.testing.assert_close(torch.from_numpy(found), expected, atol=1e-4, rtol=0)


def test_safetensors_load_as_before_and_say_what_they_are(tmp_path: Path) -> None:
    file, card = export("cfm-x4-fast", "safetensors", tmp_path / "model.safetensors")
    with safe_open(file, framework="pt") as weights:
        said = weights.metadata()
        described = json.loads(bytes(weights.get_tensor("model.json").tolist()))
    assert said["modelspec.sai_model_spec"] == "1.0.1"
    assert said["modelspec.title"] == described["name"] == "cfm-x4-fast"
    assert said["modelspec.license"].startswith("Apache 2.0")
    data = file.read_bytes()
    begin = 8 + int.from_bytes(data[:8], "little")
    assert said["modelspec.hash_sha256"] == f"0x{hashlib.sha256(data[begin:]).hexdigest()}"
    image = picture(5, 6)
    restored = [Restorer.from_pretrained(path, device="cpu")(image) for path in (file, "cfm-x4-fast")]
    assert torch.equal(*restored)
    assert json.loads(card.read_text())["license"] == "Apache-2.0"


def test_a_card_is_as_the_database_has_it(tmp_path: Path) -> None:
    _, card = export("cfm-realsr-x4", "safetensors", tmp_path / "model.safetensors")
    said = json.loads(card.read_text())
    required = {"name", "author", "license", "tags", "description", "date", "architecture", "size", "scale",
                "inputChannels", "outputChannels", "resources", "images"}  # fmt: skip
    assert required <= said.keys()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", said["date"])
    assert said["tags"] == ["photo", "general-upscaler", "jpeg", "restoration", "denoise", "deblur"]
    assert said["description"] == said["description"].strip()
    (resource,) = said["resources"]
    assert (resource["platform"], resource["type"], resource["size"]) == (
        "pytorch", "safetensors", (tmp_path / "model.safetensors").stat().st_size,
    )  # fmt: skip


def test_license_and_author_are_whose_the_model_is(tmp_path: Path) -> None:
    save_model(tmp_path / "mine.pth")
    file = tmp_path / "out.safetensors"
    main(["export", str(tmp_path / "mine.pth"), "--to", "safetensors", "--out", str(file)])
    card = json.loads(file.with_name("out.safetensors.json").read_text())
    assert (card["author"], card["license"]) == ([], None)
    with safe_open(file, framework="pt") as weights:
        assert not {"modelspec.author", "modelspec.license"} & weights.metadata().keys()
    said = ["--license", "MIT", "--author", "Ada", "--overwrite"]
    main(["export", str(tmp_path / "mine.pth"), "--to", "safetensors", "--out", str(file), *said])
    card = json.loads(file.with_name("out.safetensors.json").read_text())
    assert (card["author"], card["license"]) == ("Ada", "MIT")
    with safe_open(file, framework="pt") as weights:
        said = weights.metadata()
    assert (said["modelspec.author"], said["modelspec.license"]) == ("Ada", "MIT")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cfm-x4", "--to", "coreml", "--out", "x.onnx"], "unknown format 'coreml'; known are onnx, torch, ncnn"),
        (["cfm-x4", "--to", "onnx", "--out", "x.pt2"], "onnx is written to a .onnx file"),
        (["cfm-x4", "--to", "onnx", "--out", "x.onnx", "--graph", "half"], "unknown graph 'half'"),
        (["cfm-x4", "--to", "ncnn", "--out", "x.param", "--graph", "network"], "ncnn is written of the whole image"),
        (["cfm-x4", "--to", "onnx", "--out", "x.onnx", "--fidelity", "0"], "takes 2"),
        (["cfm-x4", "--to", "safetensors", "--out", "x.safetensors", "--fidelity", "0"], "hold weights, and no graph"),
        (["nowhere/at/all", "--to", "onnx", "--out", "x.onnx"], "there is no model 'nowhere/at/all'"),
    ],
)
def test_mistakes_are_named(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=re.escape(message)):
        main(["export", *arguments])
    assert not any(tmp_path.iterdir())


def test_a_model_that_draws_is_no_restorer(tmp_path: Path) -> None:
    model = save_model(tmp_path / "model.pth", coupling={"type": "Independent"}, conditions=[])
    with pytest.raises(
        ValueError, match="a graph is of a model that restores an image; this one has Independent without LowRes"
    ):
        export(model, "onnx", tmp_path / "model.onnx")
