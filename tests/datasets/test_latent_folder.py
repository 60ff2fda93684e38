"""Folders of latents: what was written comes back, crops belong to images, and no two spaces are mixed."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.dataset import pseudo_collate
from safetensors.torch import save_file
from torch import Generator, Tensor

from cfmrestore.datasets import Draw, LatentFolder
from cfmrestore.datasets.latent_files import LatentInfo, pack, read_header, read_latent
from cfmrestore.registry import DATASETS, MODELS
from tests.restore.flows import random_flow


def write(folder: Path, name: str = "a", size: tuple[int, int, int] = (4, 8, 12), **info: Any) -> Tensor:
    latent = torch.randn(size, generator=Generator().manual_seed(len(name)))
    path = folder / f"{name}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pack(latent, LatentInfo(**{"encoder": "e1", **info})))
    return latent


def test_what_was_written_is_read(tmp_path: Path) -> None:
    told = {"prompt": "ein Fuchs ☃", "seed": 2**62 + 1, "pipeline": "some/sd", "settings": {"steps": 4}}
    latent = write(tmp_path, **told)
    read, info = read_latent(tmp_path / "a.safetensors")
    assert torch.equal(read, latent)
    assert info == LatentInfo(encoder="e1", **told)
    assert read_header(tmp_path / "a.safetensors") == ((4, 8, 12), info)
    half = pack(latent.bfloat16(), info)
    assert read.dtype == torch.float32
    (tmp_path / "a.safetensors").write_bytes(half)
    assert torch.equal(read_latent(tmp_path / "a.safetensors")[0], latent.bfloat16().float())
    with pytest.raises(ValueError, match=r"one latent of channels, height and width; got \(1, 4, 8, 12\)"):
        pack(latent[None], info)


def test_samples_have_the_layout_of_photographs(tmp_path: Path) -> None:
    first, second = write(tmp_path, "a"), write(tmp_path, "deep/bb")
    dataset = DATASETS.build({"type": "LatentFolder", "data_root": str(tmp_path)})
    assert len(dataset) == 2
    assert dataset.metainfo == {"encoder": "e1"}
    sample = dataset[Draw(1, 3, 7)]
    assert torch.equal(sample["inputs"]["latent"], second)
    assert sample["data_samples"].keys() == {"name", "seed", "number"}
    assert (sample["data_samples"]["name"], sample["data_samples"]["number"]) == ("deep/bb.safetensors", 7)
    batch = MODELS.build({"type": "RestorationPreprocessor"})(pseudo_collate([dataset[0], dataset[1]]))
    assert torch.equal(batch["inputs"]["latent"], torch.stack([first, second]))


def test_a_flow_of_another_encoder_is_refused(tmp_path: Path) -> None:
    flow = random_flow()
    write(tmp_path / "own", encoder=flow.encoder.digest())
    write(tmp_path / "foreign")
    LatentFolder(data_root=str(tmp_path / "own")).check_flow(flow)
    with pytest.raises(ValueError, match="LatentFolder holds latents of the encoder e1, and the flow's is Haar"):
        LatentFolder(data_root=str(tmp_path / "foreign")).check_flow(flow)


def test_crops_belong_to_images(tmp_path: Path) -> None:
    latent = write(tmp_path, "a")
    write(tmp_path, "bb", (4, 9, 6))
    dataset = LatentFolder(data_root=str(tmp_path), crop=6)
    windows = latent.unfold(1, 6, 1).unfold(2, 6, 1).permute(1, 2, 0, 3, 4).reshape(-1, 4 * 36)
    places = set()
    for epoch in range(200):
        cut = dataset[Draw(0, epoch, 0)]["inputs"]["latent"]
        assert cut.shape == (4, 6, 6)
        places.add(int((windows == cut.flatten()).all(1).nonzero().item()))
        again = LatentFolder(data_root=str(tmp_path), crop=6)[Draw(0, epoch, 5)] if epoch < 5 else None
        assert again is None or torch.equal(again["inputs"]["latent"], cut)
    assert places == set(range(3 * 7))
    assert dataset[1]["inputs"]["latent"].shape == (4, 6, 6)


def test_seeds_depend_on_run_epoch_and_name(tmp_path: Path) -> None:
    write(tmp_path, "a"), write(tmp_path, "b")
    seeds = {
        LatentFolder(data_root=str(tmp_path), seed=run)[Draw(image, epoch, 0)]["data_samples"]["seed"]
        for run in range(3)
        for image in range(2)
        for epoch in range(3)
    }
    assert len(seeds) == 18
    before = LatentFolder(data_root=str(tmp_path))[0]["data_samples"]["seed"]
    write(tmp_path, "-first")
    assert LatentFolder(data_root=str(tmp_path))[1]["data_samples"]["seed"] == before


@pytest.mark.parametrize(
    ("second", "keys", "message"),
    [
        ({"encoder": "e2"}, {}, r"mixes latents: the encoder of a\.safetensors is e1, that of b\.safetensors e2: keep"),
        ({"size": (16, 8, 12)}, {"crop": 4}, r"the number of channels of a\.safetensors is 4, that of .* 16"),
        ({"size": (4, 12, 8)}, {}, r"the size of a\.safetensors is 8x12, that of .* 12x8: give a crop"),
        ({"size": (4, 8, 5)}, {"crop": 6}, r"b\.safetensors: 8x5 is smaller than the crop of 6"),
        ({}, {"encoder": "e3"}, r"a\.safetensors is of the encoder e1, not of e3"),
        ({}, {"crop": 0}, "1 or more; got 0"),
    ],
)
def test_what_does_not_go_together_is_refused(
    second: dict[str, Any], keys: dict[str, Any], message: str, tmp_path: Path
) -> None:
    write(tmp_path, "a")
    write(tmp_path, "b", **second)
    with pytest.raises(ValueError, match=message):
        LatentFolder(data_root=str(tmp_path), **keys)


def test_files_that_are_no_latents_are_named(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(b"text")
    with pytest.raises(ValueError, match=r"cannot read '.*x\.safetensors'"):
        read_latent(path)
    info = {"info": json.dumps({"encoder": "e1"})}
    for tensors in (
        {"other": torch.zeros(4, 8, 8)},
        {"latent": torch.zeros(4, 8)},
        {"latent": torch.zeros(4, 8, 8).half()},
    ):
        save_file(tensors, path, metadata=info)
        with pytest.raises(ValueError, match=r"x\.safetensors' is no latent"):
            read_latent(path)
    for metadata in (None, {"info": "{"}, {"info": "[]"}, {"info": "{}"}):
        save_file({"latent": torch.zeros(4, 8, 8)}, path, metadata=metadata)
        with pytest.raises(ValueError, match="does not say in which space"):
            LatentFolder(data_root=str(tmp_path))


def test_no_folder_and_no_files(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no folder"):
        LatentFolder(data_root=str(tmp_path / "no"))
    with pytest.raises(ValueError, match="holds no latents"):
        LatentFolder(data_root=str(tmp_path))


def test_a_file_that_became_unreadable_is_named_or_skipped(tmp_path: Path) -> None:
    write(tmp_path, "a"), write(tmp_path, "b")
    strict, lenient = (LatentFolder(data_root=str(tmp_path), on_error=mode) for mode in ("raise", "skip"))
    whole = (tmp_path / "a.safetensors").read_bytes()
    (tmp_path / "a.safetensors").write_bytes(whole[:-1])
    with pytest.raises(ValueError, match=r"a\.safetensors: cannot read"):
        strict[0]
    with pytest.warns(RuntimeWarning, match="skipped a"):
        assert lenient[0]["data_samples"]["name"] == "b.safetensors"
    (tmp_path / "a.safetensors").write_bytes(pack(torch.full((4, 8, 12), torch.inf), LatentInfo(encoder="e1")))
    with pytest.raises(ValueError, match="not finite"):
        strict[0]
