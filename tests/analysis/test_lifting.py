"""The table of ways to enlarge latents."""

from pathlib import Path

import pytest
from PIL import Image

from cfmrestore.analysis.lifting import lifting
from tests.encoders.weights import save_taef2
from tests.restore.flows import save_model
from tests.testing import write_images

WAYS = ["latents, nearest", "latents, bilinear", "decoded, bicubic", "decoded, bicubic, encoded"]


def save_flow(folder: Path) -> Path:
    """A random flow in the space of a random autoencoder."""
    space = save_taef2(folder / "space")
    coupling = {"type": "LowresLatent", "upsample": "decoded", "noise": 64}
    return save_model(
        folder / "flow.pth", encoder={"type": "TAEF2", "path": str(space)}, coupling=coupling, scale=2,
        sampling={"num_intervals": 1},
    )  # fmt: skip


@pytest.mark.slow
def test_table_page_and_pictures(tmp_path: Path) -> None:
    model = save_flow(tmp_path)
    photos = write_images(tmp_path / "photos", count=3, side=70)
    page, picture = tmp_path / "page.md", tmp_path / "picture.jpg"
    page.write_text("before\n<!-- lifting: begin -->\nold\n<!-- lifting: end -->\nafter\n")
    text = lifting(
        str(model), photos, count=2, intervals=[1, 2], fidelities=[0.5], beside={"cfm-x4": "cfm-x4"}, metrics=["psnr"],
        pictures=tmp_path / "pictures", picture=picture, page=page, device="cpu",
    )  # fmt: skip
    assert page.read_text() == f"before\n<!-- lifting: begin -->\n\n{text}\n<!-- lifting: end -->\nafter\n"
    table = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    assert table[0] == ["2 photographs", "PSNR", "NFE", "seconds"]
    flow = ["the flow, 1 step, fidelity 0.5", "the flow, 2 steps, fidelity 0.5"]
    assert [row[0] for row in table[2:]] == [*WAYS, *flow, "cfm-x4", "the encoder's ceiling"]
    assert [row[2] for row in table[2:]] == ["-"] * 4 + ["2", "3", "2", "-"]  # without a dial, one more for the mean
    psnr = {row[0]: float(row[1]) for row in table[2:]}
    assert psnr["cfm-x4"] < 25  # of what a random autoencoder makes of them
    for way in psnr:
        folder = tmp_path / "pictures" / way.replace(" ", "_")
        assert [file.name for file in sorted(folder.iterdir())] == ["0.png", "1.png"]
        with Image.open(folder / "0.png") as image:
            assert image.size == (64, 64)  # a multiple of the pixels of a latent sample, of both sizes
    with Image.open(picture) as image:
        assert image.size == (9 * 64, 2 * (64 + 18))  # every way, and the original


def test_a_flow_of_wavelets_is_refused(tmp_path: Path) -> None:
    photos = write_images(tmp_path / "photos", count=1)
    with pytest.raises(ValueError, match="enlarges no latents of an autoencoder"):
        lifting("cfm-x4", photos, device="cpu")
    page = tmp_path / "page.md"
    page.write_text("nothing")
    with pytest.raises(ValueError, match="has no lines <!-- lifting: begin -->"):
        lifting("cfm-x4", photos, page=page, device="cpu")
