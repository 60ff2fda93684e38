"""Images of every kind and size, with the same seed the same picture."""

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from cfmrestore.imageio import Metadata, Picture, from_pil, write_picture
from cfmrestore.ops.resize import resize
from cfmrestore.ops.symmetries import turned, turned_back
from cfmrestore.restore import Restorer, Settings
from tests.restore.flows import linear_flow, random_flow


@pytest.fixture(scope="module")
def restorer() -> Restorer:
    return Restorer(random_flow(), device="cpu", precision="fp32")


def photo(height: int = 12, width: int = 17, channels: int = 3, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(30, 226, (3, 4, channels), dtype=np.uint8)
    planes = [
        Image.fromarray(coarse[..., c]).resize((width, height), Image.Resampling.BICUBIC) for c in range(channels)
    ]
    return np.stack([np.asarray(plane) for plane in planes], axis=-1)


class TestKinds:
    @pytest.mark.parametrize("channels", [1, 2, 3, 4])
    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
    def test_arrays(self, restorer: Restorer, channels: int, dtype: type) -> None:
        top = {np.uint8: 255, np.uint16: 65535}.get(dtype, 1.0)
        image = (photo(channels=channels) / 255 * top).astype(dtype)
        result = restorer(image)
        assert result.shape == (48, 68, channels)
        assert result.dtype == dtype
        assert 0 <= result.min() < result.max() <= top

    def test_flat_gray_arrays_and_batches(self, restorer: Restorer) -> None:
        assert restorer(photo()[..., 0]).shape == (48, 68)
        batch = np.stack([photo(seed=0), photo(seed=1)])
        assert np.array_equal(restorer(batch)[1], restorer(batch[1]))

    @pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float16, torch.bfloat16])
    def test_tensors(self, restorer: Restorer, dtype: torch.dtype) -> None:
        image = torch.from_numpy(photo()).permute(2, 0, 1)
        image = image if dtype == torch.uint8 else (image / 255).to(dtype)
        result = restorer(image)
        assert (result.shape, result.dtype) == ((3, 48, 68), dtype)
        assert torch.equal(restorer(image[None])[0], result)

    @pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "1", "CMYK", "I;16"])
    def test_pictures_of_pillow(self, restorer: Restorer, mode: str) -> None:
        if mode == "I;16":
            image = Image.fromarray(photo()[..., 0].astype(np.uint16) * 257)
        else:
            image = Image.fromarray(photo(channels=4), "RGBA").convert("RGB").convert(mode.removesuffix("A") or mode)
            if mode in ("LA", "RGBA"):
                image.putalpha(Image.fromarray(photo()[..., 1]))
        result = restorer(image)
        assert result.size == (68, 48)
        assert result.mode == {"P": "RGB", "1": "L", "CMYK": "RGB"}.get(mode, mode)

    def test_kinds_agree(self, restorer: Restorer) -> None:
        image = photo()
        expected = restorer(image)
        assert np.array_equal(np.asarray(restorer(Image.fromarray(image))), expected)
        assert np.array_equal(restorer(torch.from_numpy(image).permute(2, 0, 1)).permute(1, 2, 0).numpy(), expected)
        assert np.array_equal(restorer(from_pil(Image.fromarray(image))).pixels, expected)
        assert np.array_equal(restorer([image, image])[1], expected)

    def test_a_file_is_read_as_the_command_reads_it(self, restorer: Restorer, tmp_path: Path) -> None:
        pixels, exif = photo(channels=4), Image.Exif()
        exif[0x0112] = 6
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        turned, deep, bad = tmp_path / "a.png", tmp_path / "deep.png", tmp_path / "bad.png"
        Image.fromarray(pixels).save(turned, exif=exif, icc_profile=profile)
        result = restorer(str(turned))
        assert np.array_equal(np.asarray(result), restorer(np.rot90(pixels, -1).copy()))
        assert "icc_profile" in result.info
        assert restorer([turned])[0].mode == "RGBA"
        write_picture(deep, Picture(photo().astype(np.uint16) * 257, Metadata(), "png"))
        assert restorer(deep).pixels.dtype == np.uint16
        bad.write_bytes(b"no picture")
        with pytest.raises(ValueError, match=r"bad\.png': it is no image"):
            restorer(bad)

    @pytest.mark.parametrize(
        ("image", "message"),
        [
            ("photo.png", "there is no file 'photo.png': name an image"),
            (7, "an image is a PIL image"),
            (np.zeros((4, 4, 5), np.uint8), "1 to 4 channels"),
            (np.zeros((0, 4, 3), np.uint8), "1 to 4 channels"),
            (np.zeros((4, 4, 3), np.int64), "uint8, uint16, or floats"),
            (np.full((4, 4, 3), 200.0), r"lie in \[0, 1\]"),
            (torch.full((3, 4, 4), torch.nan), "holds NaN"),
            (torch.zeros(4, 4), "1 to 4 channels"),
        ],
    )
    def test_others_are_refused(self, restorer: Restorer, image: object, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            restorer(image)


class TestSizes:
    @pytest.mark.parametrize("size", [(1, 1), (1, 9), (3, 2), (5, 7), (2, 150)])
    @pytest.mark.parametrize("tile", ["auto", 0, 16])
    def test_any_size(self, restorer: Restorer, size: tuple[int, int], tile: int | str) -> None:
        assert restorer(photo(*size), tile=tile).shape == (4 * size[0], 4 * size[1], 3)

    @pytest.mark.parametrize(("scale", "size"), [(1, (10, 7)), (2.5, (25, 18)), (3, (30, 21)), (4, (40, 28)),
                                                 (6, (60, 42)), (16, (160, 112)), (0.5, (5, 4))])  # fmt: skip
    def test_any_scale(self, restorer: Restorer, scale: float, size: tuple[int, int]) -> None:
        assert restorer(photo(10, 7), scale=scale).shape[:2] == size

    def test_a_scale_keeps_the_picture_in_its_place(self) -> None:
        """With a velocity of zero the result is the input enlarged: bicubic geometry, whatever the passes."""
        flow = linear_flow(coupling={"type": "LowresLatent", "noise": None})
        flow.network.conv.weight.data.zero_()
        image = torch.from_numpy(photo(24, 24)).permute(2, 0, 1)[None] / 255
        for scale in (2, 3, 6, 8):
            restored = Restorer(flow, device="cpu")(image, scale=scale)
            direct = resize(image, scale=scale).clamp(0, 1)
            shifted = [direct.roll(step, 3) for step in (-1, 1)]
            error = float((restored - direct).abs().mean())
            assert error < 0.5 * min(float((restored - one).abs().mean()) for one in shifted), scale

    @pytest.mark.parametrize("keys", [{"scale": 0}, {"scale": -1}, {"scale": 100}, {"tile": -1}, {"tile": "small"},
                                      {"tile": True}, {"scale": True},
                                      {"color": "lab"}, {"seed": -1}, {"seed": 2**63}, {"fidelity": 2},
                                      {"num_intervals": 0}])  # fmt: skip
    def test_settings_out_of_range_are_refused(self, restorer: Restorer, keys: dict[str, object]) -> None:
        with pytest.raises(ValueError, match=str(next(iter(keys)))):
            restorer(photo(), **keys)

    def test_unknown_settings_are_named(self, restorer: Restorer) -> None:
        with pytest.raises(ValueError, match="did you mean 'fidelity'"):
            restorer(photo(), fidelty=0.5)
        with pytest.raises(ValueError, match="unknown solver 'Eular'; did you mean 'Euler'"):
            restorer(photo(), solver="Eular")

    def test_more_than_fits_the_memory_is_refused_before_any_work(
        self, restorer: Restorer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("cfmrestore.restore.tile_planner.free_bytes", lambda device: 10_000)
        for scale in (4, 1, 0.25):  # it is walked at the model's own scale
            with pytest.raises(ValueError, match=r"a result of 68x48 needs about .* GiB"):
                restorer(photo(), scale=scale)


class TestSeeds:
    def test_the_same_seed_gives_the_same_picture(self, restorer: Restorer) -> None:
        assert np.array_equal(restorer(photo(), seed=3), restorer(photo(), seed=3))
        assert not np.array_equal(restorer(photo(), seed=3), restorer(photo(), seed=4))

    def test_one_noise_field_whatever_the_tiles(self) -> None:
        """A network of reach 1 leaves no trace of tiles: also the noise must be the same."""
        restorer = Restorer(linear_flow(), device="cpu", precision="fp32")
        image = torch.from_numpy(photo(40, 50)).permute(2, 0, 1) / 255
        whole = restorer(image, tile=0, seed=5)
        for tile in (16, 32, 48, 100, 128):
            assert torch.allclose(restorer(image, tile=tile, seed=5), whole, atol=1e-5), tile

    def test_samples(self, restorer: Restorer) -> None:
        samples = restorer.sample(photo(), count=3, seed=7)
        assert all(np.array_equal(one, restorer(photo(), seed=7 + i)) for i, one in enumerate(samples.images))
        planes = np.stack([restorer(photo().astype(np.float32) / 255, seed=7 + i) for i in range(3)])
        expected = 255 * np.sqrt(planes.var(axis=0).mean(axis=-1))
        assert np.allclose(samples.spread, expected, atol=1e-3)
        with pytest.raises(ValueError, match="two samples"):
            restorer.sample(photo(), count=1)


class TestDial:
    def test_less_is_drawn_the_closer_to_the_input(self, restorer: Restorer) -> None:
        spreads = [restorer.sample(photo(), fidelity=f).spread.mean() for f in (0, 0.5, 1)]
        assert spreads[0] > spreads[1] > spreads[2] == 0

    @pytest.mark.parametrize("size", [(20, 22), (21, 13), (1, 5)])
    @pytest.mark.parametrize("keys", [{}, {"tile": 32}, {"scale": 2}, {"scale": 8}, {"color": "wavelet"},
                                      {"solver": "Heun", "fidelity": 0.5}])  # fmt: skip
    def test_consistency_makes_the_shrunk_result_the_input(self, size: tuple[int, int], keys: dict) -> None:
        """Also of sizes that are padded inside, at other scales, and with the input's colors."""
        restorer = Restorer(random_flow(encoder={"type": "Haar", "factor": 8}), device="cpu")
        image = torch.from_numpy(photo(*size)).permute(2, 0, 1)[None] / 255
        restored = restorer(image, consistency=True, **keys)
        scale = keys.get("scale", 4)
        assert (resize(restored, scale=1 / scale) - image).abs().max() < 0.6 / 255
        if not keys:
            assert (resize(restorer(image), scale=0.25) - image).abs().max() > 2 / 255

    def test_what_gives_a_setting_no_meaning_says_so(self) -> None:
        same = Restorer(random_flow(scale=1), device="cpu")
        with pytest.raises(ValueError, match="consistency needs a model that enlarges"):
            same(photo(), consistency=True)
        with pytest.raises(ValueError, match="a scale above 1"):
            Restorer(random_flow(), device="cpu")(photo(), consistency=True, scale=1)
        with pytest.raises(ValueError, match=r"consistency is for whole scales; got 2\.5"):
            Restorer(random_flow(), device="cpu")(photo(), consistency=True, scale=2.5)
        with pytest.raises(ValueError, match="a spread is of one image; got a batch of 2"):
            Restorer(random_flow(), device="cpu").sample(np.stack([photo(), photo()]), count=2)
        blind = {"type": "LowresLatent", "noise": 64}
        with pytest.raises(ValueError, match=r"fidelity .* a network that is told the input"):
            Restorer(random_flow(coupling=blind, conditions=[]), device="cpu")(photo(), fidelity=0.5)

    def test_noise_on_the_way_without_noise_at_the_start(self, restorer: Restorer) -> None:
        with pytest.raises(ValueError, match="EulerMaruyama needs the law of a random source"):
            restorer(photo(), solver="EulerMaruyama", noise=0)

    def test_a_list_has_one_progress(self, restorer: Restorer) -> None:
        seen: list[float] = []
        restorer([photo(), photo(), photo()], on_progress=seen.append)
        assert seen == sorted(seen)
        assert seen[-1] == 1

    def test_progress_rises_to_one(self, restorer: Restorer) -> None:
        for keys in ({}, {"scale": 8}, {"tile": 16}, {"solver": "DoPri5"}):
            seen: list[float] = []
            restorer(photo(channels=4), on_progress=seen.append, **keys)
            assert seen == sorted(seen)
            assert seen[-1] == 1
            assert len(seen) > 3


class TestTransparency:
    def test_opaque_and_empty_stay_so(self, restorer: Restorer) -> None:
        image = np.concatenate([photo(16, 16), np.zeros((16, 16, 1), np.uint8)], axis=-1)
        image[:, 8:, 3] = 255
        alpha = restorer(image)[..., 3]
        assert (alpha[:, :24] == 0).all()
        assert (alpha[:, 40:] == 255).all()

    def test_a_cut_out_gets_no_halo(self) -> None:
        """A network that overshoots beside edges, on a square whose sides are pixels: beyond half a pixel nothing."""
        image = np.concatenate([photo(16, 16), np.zeros((16, 16, 1), np.uint8)], axis=-1)
        image[4:12, 4:12, 3] = 255
        for model in ("cfm-x4", "cfm-realsr-x4"):
            alpha = Restorer.from_pretrained(model, device="cpu")(image)[..., 3]
            assert alpha[16:48, 16:48].mean() > 220
            outside = np.ones((64, 64), bool)
            outside[13:51, 13:51] = False
            assert alpha[outside].max() == 0
            assert (alpha[19:45, 19:45] == 255).all()

    def test_a_constant_alpha_is_kept_and_changes_no_color(self, restorer: Restorer) -> None:
        opaque = restorer(photo())
        for value in (0, 128, 255):
            image = np.concatenate([photo(), np.full((12, 17, 1), value, np.uint8)], axis=-1)
            result = restorer(image)
            assert (result[..., 3] == value).all()
            assert np.array_equal(result[..., :3], opaque)

    def test_invisible_colors_do_not_bleed(self, restorer: Restorer) -> None:
        """Green below transparent pixels must not tint the red beside them."""
        image = np.zeros((16, 16, 4), np.uint8)
        image[:, :8] = (200, 30, 30, 255)
        image[:, 8:] = (30, 200, 30, 0)
        red = np.repeat(np.array([[[200, 30, 30, 0]]], np.uint8), 16, axis=1).repeat(16, axis=0)
        red[:, :8, 3] = 255
        seen = restorer(image)
        same = restorer(red)
        visible = seen[..., 3] > 8
        assert np.array_equal(seen[..., 3], same[..., 3])
        assert np.abs(seen[visible].astype(int) - same[visible].astype(int)).max() == 0

    @pytest.mark.parametrize("model", ["cfm-x4", "cfm-x4-fast", "cfm-realsr-x4"])
    @pytest.mark.parametrize("kind", ["hard", "ramp", "random", "faint"])
    def test_one_color_stays_one_up_to_the_rim(self, model: str, kind: str) -> None:
        """Whatever the transparency, and what lies below it: no further off than the same color without any."""
        restorer, color, side = Restorer.from_pretrained(model, device="cpu"), np.array([200, 150, 120]), 24
        alpha = np.zeros((side, side), np.uint8)
        if kind == "hard":
            alpha[6:18, 6:18] = 255
        elif kind == "ramp":
            alpha[:] = np.linspace(0, 255, side).round()
        else:
            alpha[:] = np.random.default_rng(0).integers(0, 256 if kind == "random" else 4, alpha.shape)
        flat = np.broadcast_to(color.astype(np.uint8), (side, side, 3))
        image = np.dstack([np.where(alpha[..., None] > 0, flat, (0, 255, 0)).astype(np.uint8), alpha])
        result, opaque = restorer(image).astype(int), restorer(flat).astype(int)
        seen = result[..., 3] > 0
        assert np.abs(result[..., :3] - color)[seen].max() <= np.abs(opaque - color).max() + 1

    @pytest.mark.parametrize("hidden", [1, 2])
    @pytest.mark.parametrize("empty", [False, True])
    def test_what_is_hardly_seen_leaves_no_rim(self, hidden: int, empty: bool) -> None:
        """Black below an alpha of two levels, be there an empty pixel somewhere or none."""
        restorer, color = Restorer.from_pretrained("cfm-x4-fast", device="cpu"), (200, 150, 120)
        image = np.zeros((24, 24, 4), np.uint8)
        image[..., 3] = hidden
        image[6:18, 6:18] = (*color, 255)
        image[0, 0, 3] = 0 if empty else hidden
        result = restorer(image).astype(int)
        opaque = restorer(image[6:18, 6:18, :3]).astype(int)
        off = np.abs(result[..., :3] - color)[result[..., 3] == 255].max()
        assert off <= np.abs(opaque - color).max() + 2

    def test_a_cut_out_photograph_looks_as_without_the_cut(self) -> None:
        pixels, restorer = photo(32, 32), Restorer.from_pretrained("cfm-x4-fast", device="cpu")
        alpha = np.zeros((32, 32, 1), np.uint8)
        alpha[8:24, 8:24] = 255
        result = restorer(np.concatenate([pixels * (alpha > 0), alpha], axis=-1)).astype(int)
        whole, seen = restorer(pixels).astype(int), result[..., 3] == 255
        assert np.abs(result[..., :3] - whole)[seen].mean() < 2

    def test_what_is_empty_keeps_the_color_of_the_input(self, restorer: Restorer) -> None:
        image = np.concatenate([photo(16, 16), np.zeros((16, 16, 1), np.uint8)], axis=-1)
        image[:, 8:, 3] = 255
        image[:, :8, :3] = (10, 250, 10)
        assert np.abs(restorer(image)[:, :16, :3].astype(int) - (10, 250, 10)).max() <= 1


class TestTrouble:
    def test_too_little_memory_halves_the_tiles_and_says_so(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        flow = linear_flow()
        restorer = Restorer(flow, device="cpu", precision="fp32")
        image = photo(40, 40)
        expected = restorer(image, tile=32)
        original = flow.network.forward

        def limited(x: torch.Tensor, *args: object, **kwargs: object) -> torch.Tensor:
            if x.shape[-1] > 16:
                raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 1 bytes")
            return original(x, *args, **kwargs)

        monkeypatch.setattr(flow.network, "forward", limited)
        with caplog.at_level(logging.WARNING, "cfmrestore"):
            result = restorer(image, tile=128)
        assert np.array_equal(result, expected)
        assert [record.getMessage().split(" (")[0] for record in caplog.records] == [
            "out of memory with tiles of 128 pixels, beginning again with 64",
            "out of memory with tiles of 64 pixels, beginning again with 32",
        ]

    def test_no_memory_at_all_is_an_error(self, monkeypatch: pytest.MonkeyPatch) -> None:
        flow = linear_flow()

        def failing(*args: object, **kwargs: object) -> torch.Tensor:
            raise torch.OutOfMemoryError("CUDA out of memory")

        monkeypatch.setattr(flow.network, "forward", failing)
        for tile, side in ((64, 16), ("auto", 48)):
            with pytest.raises(ValueError, match=f"not even tiles of {side} pixels fit"):
                Restorer(flow, device="cpu")(photo(), tile=tile)

    def test_other_errors_pass(self, monkeypatch: pytest.MonkeyPatch) -> None:
        flow = linear_flow()

        def failing(*args: object, **kwargs: object) -> torch.Tensor:
            raise RuntimeError("shapes cannot be multiplied")

        monkeypatch.setattr(flow.network, "forward", failing)
        with pytest.raises(RuntimeError, match="shapes"):
            Restorer(flow, device="cpu")(photo(), tile=0)

    def test_overflow_in_float16_is_done_again_in_float32(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        flow = linear_flow()
        expected = Restorer(flow, device="cpu", precision="fp32")(photo())
        original = flow.network.forward

        def overflowing(*args: torch.Tensor, **condition: torch.Tensor) -> torch.Tensor:
            v = original(*args, **condition)
            return v * torch.inf if torch.is_autocast_enabled("cpu") else v

        monkeypatch.setattr(flow.network, "forward", overflowing)
        with caplog.at_level(logging.WARNING, "cfmrestore"):
            result = Restorer(flow, device="cpu", precision="fp16")(photo())
        assert np.array_equal(result, expected)
        assert "overflows in float16: going on in float32" in caplog.text

    def test_nan_in_float32_is_an_error(self) -> None:
        flow = linear_flow()
        flow.network.conv.weight.data.fill_(torch.nan)
        with pytest.raises(ValueError, match="NaN for this image"):
            Restorer(flow, device="cpu")(photo())

    def test_bfloat16_is_close(self) -> None:
        flow = random_flow()
        exact = Restorer(flow, device="cpu", precision="fp32")(photo()).astype(int)
        rough = Restorer(flow, device="cpu", precision="bf16")(photo()).astype(int)
        assert 0 < np.abs(exact - rough).mean() < 2

    def test_graphs_of_launches_are_refused_without_a_gpu(self) -> None:
        with pytest.raises(ValueError, match="CUDA graphs are a GPU's, and these networks run on cpu"):
            Restorer(linear_flow(), device="cpu", cuda_graphs=True)

    @pytest.mark.parametrize("keys", [{"device": "gpu"}, {"precision": "fp8"}])
    def test_unknown_devices_and_precisions(self, keys: dict[str, str]) -> None:
        with pytest.raises(ValueError, match="unknown"):
            Restorer(linear_flow(), **keys)


def test_it_says_what_it_is() -> None:
    assert repr(Restorer.from_pretrained("cfm-x4", device="cpu")) == "Restorer(cfm-x4: x4, cpu, float32)"


def test_lifted_latents_get_the_colors_of_their_picture() -> None:
    flow = random_flow(coupling={"type": "LowresLatent", "noise": 64, "upsample": "latent"})
    restorer, latent = (
        Restorer(flow, device="cpu"),
        torch.randn(1, 12, 6, 8, generator=torch.Generator().manual_seed(0)),
    )
    means = flow.encoder.decode(latent).clamp(0, 1).mean(dim=(2, 3))
    assert (restorer.lift(latent, [1]).mean(dim=(2, 3)) - means).abs().max() > 1 / 255
    lifted = restorer.lift(latent, [1], color="mean")
    assert (lifted.mean(dim=(2, 3)) - means).abs().max() < 1 / 255


class TestSelfEnsemble:
    @pytest.mark.parametrize("symmetry", range(8))
    def test_a_turned_image_gives_the_turned_result(self, restorer: Restorer, symmetry: int) -> None:
        image = torch.from_numpy(photo() / 255).permute(2, 0, 1).float()
        asked = {"self_ensemble": True, "fidelity": 1.0}
        straight, there = restorer(image, **asked), restorer(turned(image, symmetry), **asked)
        assert torch.allclose(turned_back(there, symmetry), straight, atol=1e-6)
        assert torch.equal(turned_back(turned(image, symmetry), symmetry), image)

    def test_it_is_the_mean_of_eight(self, restorer: Restorer) -> None:
        image = torch.from_numpy(photo() / 255).permute(2, 0, 1).float()
        alone = [restorer(turned(image, symmetry), scale=3, seed=5) for symmetry in range(8)]
        assert len({one.numpy().tobytes() for one in alone}) == 8
        mean = torch.stack([turned_back(one, symmetry) for symmetry, one in enumerate(alone)]).mean(dim=0)
        assert torch.allclose(restorer(image, scale=3, seed=5, self_ensemble=True), mean, atol=1e-6)

    def test_evaluations_and_progress(self, restorer: Restorer) -> None:
        seen: list[float] = []
        image = Image.fromarray(photo(channels=4), "RGBA")
        settings = Settings(self_ensemble=True)
        assert restorer.restore(image, settings, seen.append)[2] == 8 * restorer.restore(image, Settings())[2]
        assert seen == sorted(seen)
        assert seen[0] < 0.1 < seen[-1] == 1

    def test_a_mask_is_turned_too(self) -> None:
        flow = random_flow(conditions=[{"type": "Inpaint"}], scale=1)
        image, mask = photo(16, 24), np.zeros((16, 24), np.uint8)
        mask[2:6, 3:20] = 255
        result = Restorer(flow, device="cpu")(image, mask=mask, self_ensemble=True, fidelity=1.0)
        assert np.array_equal(result[mask == 0], image[mask == 0])

    def test_outside_of_holes_transparent_colors_stay(self) -> None:
        image, mask = photo(16, 24, channels=4), np.zeros((16, 24), np.uint8)
        image[..., 3], mask[2:6, 3:20] = np.arange(24), 255
        result = Restorer(random_flow(conditions=[{"type": "Inpaint"}], scale=1), device="cpu")(image, mask=mask)
        assert np.array_equal(result[mask == 0], image[mask == 0])

    def test_latents_are_refused(self) -> None:
        flow = random_flow(coupling={"type": "LowresLatent", "noise": 64, "upsample": "latent"})
        with pytest.raises(ValueError, match="latents are not turned as images are"):
            Restorer(flow, device="cpu").lift(torch.zeros(1, 12, 6, 8), [1], self_ensemble=True)
