"""The model for a picture: what it is chosen by, and what is said."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from cfmrestore import model_zoo
from cfmrestore.analysis.publish import publish
from cfmrestore.apis.restore import restore
from cfmrestore.cli.main import main
from cfmrestore.demo.models import card as model_card
from cfmrestore.imageio import read_picture
from cfmrestore.imageio.picture import Metadata, Picture
from cfmrestore.ops.jpeg_traces import jpeg_grid, jpeg_quality
from cfmrestore.ops.traces import noise_level, planes_of, sharpness
from cfmrestore.restore import Restorer, Settings, auto_model
from cfmrestore.restore.auto_model import choose, covering, traces
from tests.restore.flows import save_model
from tests.testing import ROOT, write_images

PHOTOGRAPHS = sorted((ROOT / "data" / "photographs" / "held_out").glob("*.png"))


def shrunk(path: Path) -> Image.Image:
    image = Image.open(path).convert("RGB")
    return image.resize((image.width // 4, image.height // 4), Image.Resampling.BICUBIC)


def as_jpeg(image: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file)


def noised(image: Image.Image, sigma: float) -> Image.Image:
    pixels = np.asarray(image).astype(np.float64)
    return Image.fromarray((pixels + np.random.default_rng(0).normal(0, sigma, pixels.shape)).clip(0, 255).astype("u1"))


def found(image: Image.Image) -> set[str]:
    return set(traces(Picture(np.asarray(image), Metadata(), "png")))


@pytest.mark.parametrize("path", PHOTOGRAPHS, ids=lambda path: path.stem)
def test_what_was_done_to_a_photograph(path: Path) -> None:
    image = shrunk(path)
    assert found(image) == set()
    assert found(as_jpeg(image, 50)) == {"jpeg"}  # by its pixels: as a PNG it has the same blocks
    assert found(as_jpeg(image, 96)) <= {"noise"}  # for which fine texture passes, where no color tells
    assert "noise" in found(noised(image, 12))
    assert found(image.filter(ImageFilter.GaussianBlur(1))) == {"blur"}


def test_the_grid_is_found_wherever_it_begins() -> None:
    seen = planes_of(np.asarray(as_jpeg(shrunk(PHOTOGRAPHS[0]), 60)))
    whole, part = jpeg_grid(seen.luma), jpeg_grid(seen.luma[3:, 5:])
    assert (whole.row, whole.column, part.row, part.column) == (0, 0, 5, 3)
    assert part.strength == pytest.approx(whole.strength, abs=0.05)
    assert jpeg_quality(seen.luma[3:, 5:], seen.clipped[3:, 5:], part) == 60


@pytest.mark.parametrize("quality", [35, 75, 90, 93])
@pytest.mark.parametrize("path", PHOTOGRAPHS, ids=lambda path: path.stem)
def test_the_quality_of_a_jpeg_is_read_from_its_pixels(path: Path, quality: int) -> None:
    image = shrunk(path)
    for one in (image, noised(image, 12), image.filter(ImageFilter.GaussianBlur(0.5))):
        seen = planes_of(np.asarray(as_jpeg(one, quality)))
        assert jpeg_quality(seen.luma, seen.clipped, jpeg_grid(seen.luma)) == pytest.approx(quality, abs=1)
        plain = planes_of(np.asarray(one))
        assert jpeg_quality(plain.luma, plain.clipped, jpeg_grid(plain.luma)) is None


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_photograph_is_judged_as_it_lay(tmp_path: Path, orientation: int) -> None:
    """As phones save them: blocks of the file, and pixels that are turned upright after it."""
    image, exif = shrunk(PHOTOGRAPHS[0]).crop((0, 0, 101, 75)), Image.Exif()
    exif[0x0112] = orientation
    for quality in (35, 75, 90):
        image.save(tmp_path / "turned.jpg", quality=quality, exif=exif)
        picture, plain = read_picture(tmp_path / "turned.jpg"), np.asarray(as_jpeg(image, quality))
        seen = planes_of(picture.pixels)
        assert jpeg_quality(seen.luma, seen.clipped, jpeg_grid(seen.luma)) == quality
        assert choose(picture).model == choose(Picture(plain, Metadata(), "jpeg")).model


def test_clipped_blocks_do_not_hide_the_quality() -> None:
    pixels = np.asarray(shrunk(PHOTOGRAPHS[0])).astype(np.float64)
    harsh = Image.fromarray(((pixels - 128) * 2 + 128).clip(0, 255).astype("u1"))
    seen = planes_of(np.asarray(as_jpeg(harsh, 50)))
    assert seen.clipped.mean() > 0.1
    assert jpeg_quality(seen.luma, seen.clipped, jpeg_grid(seen.luma)) == pytest.approx(50, abs=1)
    assert jpeg_quality(seen.luma, np.zeros_like(seen.clipped), jpeg_grid(seen.luma)) is None


def test_a_flat_picture_has_no_grid() -> None:
    pixels = np.full((96, 96, 3), 120, np.uint8)
    pixels[40:51, 41:52] = np.asarray(shrunk(PHOTOGRAPHS[0]))[:11, :11]
    assert jpeg_grid(planes_of(pixels).luma).strength < 0.5
    assert found(Image.fromarray(pixels)) == set()


def test_slight_traces_add_up() -> None:
    image = shrunk(PHOTOGRAPHS[0])
    soft = image.filter(ImageFilter.GaussianBlur(0.45))
    assert found(soft) == found(as_jpeg(image, 88)) == set()
    assert found(as_jpeg(soft, 88)) == {"jpeg", "blur"}


def test_what_is_sharp_bears_more_compression_if_it_is_enlarged() -> None:
    image = as_jpeg(shrunk(PHOTOGRAPHS[0]).filter(ImageFilter.UnsharpMask(1, 120, 0)), 80)
    picture = Picture(np.asarray(image), Metadata(), "png")
    assert [set(traces(picture, scale)) for scale in (4, 2, 1)] == [set(), set(), {"jpeg"}]
    assert [choose(picture, scale).model for scale in (4, 1)] == ["cfm-x4-fast", "cfm-web-x1"]


def test_noise_weighs_more_where_there_is_no_detail() -> None:
    image = shrunk(PHOTOGRAPHS[0])
    smooth = image.resize((image.width * 4, image.height * 4), Image.Resampling.BICUBIC)
    assert "noise" in found(noised(smooth, 4))
    assert found(noised(image, 4)) == set()


def test_noise_in_a_jpeg_is_seen_in_luma() -> None:
    """Of color JPEG keeps half of the rows and columns, and coarsely."""
    image = shrunk(PHOTOGRAPHS[0])
    assert "noise" in found(as_jpeg(noised(image, 12), 92))
    assert found(as_jpeg(image, 92)) == set()


def test_the_noise_of_a_flat_picture_is_its_deviation() -> None:
    ramp = np.linspace(50, 200, 256)[None] + np.zeros((256, 1))
    noisy = ramp + np.random.default_rng(1).normal(0, 7, (256, 256))
    assert noise_level(noisy) == pytest.approx(7, rel=0.2)  # the quietest blocks have less
    assert noise_level(ramp) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("shape", [(1, 1, 1), (5, 3, 3), (9, 40, 4), (16, 16, 2)])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_pictures_of_any_kind_have_traces(shape: tuple[int, int, int], kind: type) -> None:
    y, color, clipped = planes_of(np.full(shape, np.iinfo(kind).max, kind))
    assert y.shape == clipped.shape == shape[:2]
    assert (color is None) is (shape[2] < 3)
    assert y.max() == pytest.approx(255)
    assert clipped.all()
    assert (jpeg_grid(y), noise_level(y), sharpness(y)) == ((0, 0, 0), 0, 1)
    assert jpeg_quality(y, clipped, jpeg_grid(y)) is None
    assert choose(Picture(np.full(shape, 7, kind), Metadata(), "png")).model in model_zoo.cards()


def test_the_cards_say_for_what_a_model_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert covering(()) == "cfm-x4-fast"
    assert covering(("jpeg",)) == covering(("noise", "blur")) == "cfm-realsr-x4"
    assert covering(("blur",), 2) == covering(("jpeg",), 1.5) == "cfm-realsr-x2"
    assert covering(("noise",), 1) == "cfm-web-x1"
    assert covering((), 2) == covering((), 16) == "cfm-x4-fast"
    assert covering(("noise",), 16) == "cfm-realsr-x4"
    new = {"inputs": ["jpeg"], "figures": {"evaluations": 9}, "scale": 4}
    monkeypatch.setattr(model_zoo, "cards", lambda: {"of-jpeg": new})
    assert covering(("jpeg",)) == "of-jpeg"
    with pytest.raises(ValueError, match="no bundled model is for pictures with noise: name one with --model"):
        covering(("noise",))


def test_a_card_that_was_just_published_ends_no_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tmp_path / "run"
    save_model(run / "iter_1.pth")
    (run / "1" / "vis_data").mkdir(parents=True)
    (run / "1" / "vis_data" / "scalars.json").write_text('{"loss": 1.0, "step": 1}\n')
    publish(run, "silent", tmp_path / "models")
    publish(run, "of-noise", tmp_path / "models", card={"inputs": "noise"})
    publish(run, "of-clean", tmp_path / "models", card={"inputs": "clean"}, sampling={"solver.type": "DoPri5"})
    bundled, new = model_zoo.cards(), model_zoo.cards(tmp_path / "models")
    monkeypatch.setattr(model_zoo, "cards", lambda folder=None: {**bundled, **new})
    assert "evaluations" not in new["of-clean"]["figures"]
    assert new["of-noise"]["figures"] == {"evaluations": 2}
    assert covering(("noise",)) == "of-noise"
    assert covering(()) == "cfm-x4-fast"  # whose steps are known, and silent is for no picture
    monkeypatch.setattr(model_zoo, "cards", lambda folder=None: new)
    monkeypatch.setattr(model_zoo, "find_bundled", lambda name: tmp_path / "models" / f"{name}.safetensors")
    for name, said in (("silent", ", 2 evaluations of its network a picture."), ("of-clean", " MB.")):
        assert model_card(name).endswith(said)
    monkeypatch.setattr(model_zoo, "cards", lambda: {"silent": new["silent"]})
    with pytest.raises(ValueError, match="no bundled model is for clean pictures: name one with --model"):
        covering(())


def test_each_file_gets_its_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = shrunk(PHOTOGRAPHS[1]).crop((0, 0, 48, 40))
    small.save(tmp_path / "clean.png")
    as_jpeg(small, 40).save(tmp_path / "web.png")
    (tmp_path / "bad.png").write_bytes(b"no picture")
    with pytest.raises(SystemExit) as caught:
        main(["restore", str(tmp_path), "--fidelity", "1", "--out", str(tmp_path / "out")])
    said = capsys.readouterr().err
    assert f"{tmp_path / 'clean.png'}: cfm-x4-fast, for a clean picture" in said
    assert f"{tmp_path / 'web.png'}: cfm-realsr-x4, for JPEG of quality 40" in said
    assert "bad.png" in str(caught.value)
    for name, model in (("clean", "cfm-x4-fast"), ("web", "cfm-realsr-x4")):
        (alone,) = restore(
            [tmp_path / f"{name}.png"], model, tmp_path / f"{name}_x4.png", settings=Settings(fidelity=1)
        )
        assert alone.read_bytes() == (tmp_path / "out" / f"{name}.png").read_bytes()
    assert restore([tmp_path / "clean.png"], "auto", tmp_path / "out", settings=Settings(fidelity=1)) == []
    assert "cfm-x4" not in capsys.readouterr().err


def test_consistency_with_what_is_wrong_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = shrunk(PHOTOGRAPHS[1]).crop((0, 0, 48, 40))
    small.save(tmp_path / "clean.png")
    as_jpeg(small, 40).save(tmp_path / "web.png")
    for name in ("clean", "web"):
        for consistency in (True, None):
            settings = Settings(fidelity=1, consistency=consistency)
            restore([tmp_path / f"{name}.png"], "cfm-x4-fast", tmp_path / "x.png", settings=settings, overwrite=True)
            warned = "--consistency keeps what is wrong with the input, such as JPEG" in capsys.readouterr().err
            assert warned is (name == "web" and consistency is True)


def test_a_config_needs_its_checkpoint(tmp_path: Path) -> None:
    write_images(tmp_path, count=1)
    with pytest.raises(ValueError, match="a config is that of a checkpoint: name it with --model"):
        restore([tmp_path], auto_model.AUTO, tmp_path / "out", config="configs/cfm_realsr.py")


def test_a_restorer_is_of_one_model() -> None:
    with pytest.raises(ValueError, match=r"cfmrestore\.restore\.auto_model\.choose\(picture\)"):
        Restorer.from_pretrained("auto")
