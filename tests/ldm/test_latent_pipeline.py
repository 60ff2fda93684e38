"""Latents of text-to-image pipelines: what the pipeline itself would decode, a seed an image, and clear refusals."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Generator, Tensor

from cfmrestore.encoders import TAEF2, AutoencoderKL, AutoencoderTiny, Haar, taef2
from cfmrestore.ldm.formats import find_format, normed, packed, spatial
from cfmrestore.ldm.latent_pipeline import LatentPipeline
from tests.ldm import tiny

FAMILIES = {"sd": spatial, "lcm": spatial, "sdxl": spatial, "sd3": spatial, "flux": packed, "flux2": normed}
PROMPTS = ["a red fox", "snow at night"]
SIZE = {"height": 24, "width": 32}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("pipelines")
    return {kind: tiny.save(kind, root / kind) for kind in FAMILIES}


@pytest.fixture(scope="module")
def loaded(folders: dict[str, Path]) -> dict[str, LatentPipeline]:
    return {kind: LatentPipeline.from_pretrained(folder, precision="fp32") for kind, folder in folders.items()}


@pytest.fixture
def copy(folders: dict[str, Path], tmp_path: Path) -> Path:
    """A folder that a test may damage."""
    return Path(shutil.copytree(folders["sd"], tmp_path / "copy"))


def edit(file: Path, **changes: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


# What is computed


def decoded_by(pipeline: Any, prompts: list[str], seeds: list[int], monkeypatch: pytest.MonkeyPatch) -> Tensor:
    """The raw latents that a pipeline hands to its own decoder on the way to a picture."""
    seen = []

    def decode(z: Tensor, *args: Any, **keys: Any) -> tuple[Tensor]:
        seen.append(z.clone())
        return (torch.zeros(len(z), 3, SIZE["height"], SIZE["width"]),)

    with monkeypatch.context() as patch:
        patch.setattr(pipeline.vae, "decode", decode)
        generators = [Generator().manual_seed(seed) for seed in seeds]
        pipeline(prompt=prompts, generator=generators, num_inference_steps=3, output_type="pt", **SIZE)
    return seen[0]


def flattened(vae: Any, raw: Tensor) -> Tensor:
    """FLUX.2's latents under the batch norm of its autoencoder, one place after the other."""
    result = raw.clone()
    for dy in range(2):
        for dx in range(2):
            places = torch.arange(raw.shape[1]) * 4 + 2 * dy + dx
            mean = vae.bn.running_mean[places].view(-1, 1, 1)
            std = (vae.bn.running_var[places] + vae.config.batch_norm_eps).sqrt().view(-1, 1, 1)
            result[:, :, dy::2, dx::2] = (raw[:, :, dy::2, dx::2] - mean) / std
    return result


@pytest.mark.parametrize("kind", FAMILIES)
def test_the_latent_is_what_the_pipeline_itself_decodes(
    kind: str, loaded: dict[str, LatentPipeline], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = loaded[kind]
    vae = source.pipeline.vae
    raw = decoded_by(source.pipeline, PROMPTS, [5, 6], monkeypatch)
    latent = source(PROMPTS, [5, 6], steps=3, **SIZE)
    assert source.format is FAMILIES[kind]
    assert latent.shape == (2, vae.config.latent_channels, 12, 16)
    if kind == "flux2":
        expected = flattened(vae, raw)
    else:
        expected = (raw - (vae.config.shift_factor or 0)) * vae.config.scaling_factor
    torch.testing.assert_close(latent, expected, rtol=1e-3, atol=1e-3)
    assert latent.std() > 0.1
    assert not torch.allclose(latent[0], latent[1], atol=0.1)


def test_flux_2_base_answers_in_a_sequence(loaded: dict[str, LatentPipeline]) -> None:
    """The base model's pipeline hands out patches row by row; the latent is the same as from the distilled one's."""
    pipeline = loaded["flux2"].pipeline
    patches = torch.randn(2, 128, 6, 8, generator=Generator().manual_seed(0))
    latent = normed(pipeline, patches.flatten(2).transpose(1, 2), (24, 32))
    std = (pipeline.vae.bn.running_var + pipeline.vae.config.batch_norm_eps).sqrt().view(-1, 1, 1)
    raw = pipeline._unpatchify_latents(patches * std + pipeline.vae.bn.running_mean.view(-1, 1, 1))
    torch.testing.assert_close(latent, normed(pipeline, raw, (24, 32)), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(latent[:, 0, 1, 0], patches[:, 2, 0, 0])


@pytest.mark.parametrize("kind", FAMILIES)
def test_a_seed_gives_its_latent_whatever_the_batch(kind: str, loaded: dict[str, LatentPipeline]) -> None:
    """LCM's scheduler draws at every step, so that a generator shared by the batch would show."""
    source = loaded[kind]
    both = source(PROMPTS, [1, 2], steps=2, **SIZE)
    swapped = source(PROMPTS[::-1], [2, 1], steps=2, **SIZE)
    alone = source(PROMPTS[1:], [2], steps=2, **SIZE)
    scale = both.abs().max().item()
    torch.testing.assert_close(both.flip(0), swapped, rtol=0, atol=1e-4 * scale)
    torch.testing.assert_close(both[1:], alone, rtol=0, atol=1e-4 * scale)
    other = source(PROMPTS[1:], [3], steps=2, **SIZE)
    assert (other - alone).abs().max() > 0.01 * scale


def test_settings_reach_the_pipeline(loaded: dict[str, LatentPipeline]) -> None:
    source = loaded["sd"]
    plain = source(PROMPTS[:1], [1], steps=2, **SIZE)
    for changed in ({"steps": 3}, {"guidance_scale": 2.0}, {"negative_prompt": "blur"}):
        assert not torch.equal(plain, source(PROMPTS[:1], [1], **{"steps": 2, **SIZE, **changed}))
    assert source(PROMPTS[:1], [1], steps=2).shape[-2:] == (16, 16)


def test_settings_that_a_pipeline_does_not_read_are_refused(loaded: dict[str, LatentPipeline]) -> None:
    with pytest.raises(ValueError, match="LatentConsistencyModelPipeline takes no negative_prompt"):
        loaded["lcm"](PROMPTS, [1, 2], negative_prompt="blur")
    with pytest.raises(ValueError, match="FluxPipeline takes no negative_prompt"):
        loaded["flux"](PROMPTS, [1, 2], negative_prompt="blur")


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ({"height": 32}, "both height and width"),
        ({"height": 34, "width": 32}, "multiples of 4; got 34x32"),
        ({"height": 0, "width": 32}, "got 0x32"),
    ],
)
def test_sizes_are_checked(size: dict[str, int], message: str, loaded: dict[str, LatentPipeline]) -> None:
    with pytest.raises(ValueError, match=message):
        loaded["flux"].size(**size)


# Which pipelines


def test_unknown_latents_are_refused_by_the_name_of_the_class() -> None:
    class Strange:
        """Latents in yet another packing."""

        vae = tiny.build("sd").vae

        def __call__(self, prompt: str) -> None: ...

        def _unpack_latents(self, latents: Tensor, num_frames: int) -> None: ...

    class Blind(Strange):
        vae = None

    with pytest.raises(ValueError, match="Strange with AutoencoderKL returns its latents in a way"):
        find_format(Strange())
    with pytest.raises(ValueError, match=r"Blind has no autoencoder"):
        find_format(Blind())


def test_latents_standardized_channel_by_channel_are_refused(copy: Path) -> None:
    edit(copy / "vae" / "config.json", latents_mean=[0.0] * 4, latents_std=[2.0] * 4)
    with pytest.raises(ValueError, match="StableDiffusionPipeline with AutoencoderKL returns"):
        LatentPipeline.from_pretrained(copy)


def test_an_answer_of_another_shape_is_refused(
    loaded: dict[str, LatentPipeline], monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind, shape in (("sd", (1, 4, 1, 12, 16)), ("sd", (1, 8, 12, 16)), ("flux", (1, 95, 64))):
        source = loaded[kind]
        monkeypatch.setattr(type(source.pipeline), "__call__", answering(torch.zeros(shape)))
        with pytest.raises(ValueError, match=f"{source.name} (gave|answered with)"):
            source(PROMPTS[:1], [1], **SIZE)
        monkeypatch.undo()
    monkeypatch.setattr(type(loaded["sd"].pipeline), "__call__", answering(torch.full((1, 4, 12, 16), torch.nan)))
    with pytest.raises(ValueError, match="no finite numbers: take precision='fp32'"):
        loaded["sd"](PROMPTS[:1], [1], **SIZE)


def answering(latent: Tensor) -> Any:
    def call(
        self: Any, prompt: Any, height: int, width: int, generator: Any, output_type: str, return_dict: bool
    ) -> tuple[Tensor]:
        return (latent,)

    return call


# Whether the flow knows the space


@pytest.mark.parametrize("kind", ["sd", "sdxl", "sd3", "flux"])
def test_its_own_autoencoder_fits(kind: str, loaded: dict[str, LatentPipeline], recwarn: pytest.WarningsRecorder):
    loaded[kind].check_space(loaded[kind].own_encoder())
    assert not [one for one in recwarn if issubclass(one.category, RuntimeWarning)]


def test_other_spaces_are_refused_with_what_differs(
    folders: dict[str, Path], loaded: dict[str, LatentPipeline]
) -> None:
    sd = AutoencoderKL(path=str(folders["sd"]), subfolder="vae")
    with pytest.raises(ValueError, match=r"StableDiffusionXLPipeline .*: scale 0\.13025 there, 0\.18215 here"):
        loaded["sdxl"].check_space(sd)
    with pytest.raises(ValueError, match=r"channels 16 there, 4 here; .*shift 0\.1159 there, 0\.0 here"):
        loaded["flux"].check_space(sd)
    with pytest.raises(ValueError, match="downscale 2 there, 4 here; autoencoder AutoencoderKL there, Haar here"):
        loaded["sd"].check_space(Haar(factor=4))
    with pytest.raises(ValueError, match="Flux2KleinPipeline has a AutoencoderKLFlux2"):
        loaded["flux2"].own_encoder()


def test_other_weights_of_the_same_shape_are_said(folders: dict[str, Path], loaded: dict[str, LatentPipeline]) -> None:
    encoder = AutoencoderKL(path=str(folders["sd"]), subfolder="vae")
    encoder.model.decoder.conv_out.weight.data += 1
    loaded["sd"].check_space(encoder)
    encoder.model.encoder.conv_in.weight.data += 1
    with pytest.warns(RuntimeWarning, match=r"another autoencoder .* encoder\.conv_in\.weight differs"):
        loaded["sd"].check_space(encoder)


def test_a_distilled_encoder_takes_what_denoisers_see(loaded: dict[str, LatentPipeline], tmp_path: Path) -> None:
    import diffusers

    diffusers.AutoencoderTiny(
        encoder_block_out_channels=(8, 8),
        decoder_block_out_channels=(8, 8),
        num_encoder_blocks=(1, 1),
        num_decoder_blocks=(1, 1),
    ).save_pretrained(tmp_path)
    loaded["sd"].check_space(AutoencoderTiny(path=str(tmp_path)))
    with pytest.raises(ValueError, match=r"scale 1\.0 there, 2\.0 here"):
        loaded["sd"].check_space(AutoencoderTiny(path=str(tmp_path), scale=2.0))
    with pytest.raises(ValueError, match="channels 16 there, 4 here"):
        loaded["flux"].check_space(AutoencoderTiny(path=str(tmp_path)))


def test_taef2_takes_the_latents_of_flux_2(loaded: dict[str, LatentPipeline], tmp_path: Path) -> None:
    for half, module in (("encoder", taef2.build_encoder()), ("decoder", taef2.build_decoder())):
        torch.save(module.state_dict(), tmp_path / f"taef2_{half}.pth")
    encoder = TAEF2(path=str(tmp_path))
    with pytest.raises(ValueError, match=r"are different spaces: downscale 2 there, 8 here\. Take"):
        loaded["flux2"].check_space(encoder)  # all but the size of the small autoencoder here
    encoder.downscale = 2
    loaded["flux2"].check_space(encoder)
    with pytest.raises(ValueError, match="channels 4 there, 32 here; autoencoder AutoencoderKL there, AutoencoderKLF"):
        loaded["sd"].check_space(encoder)


# Where it is found


@pytest.mark.parametrize("place", ["/no/such/folder", "./sd", "model.safetensors", "a/b/c"])
def test_wrong_places(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"is no pipeline: name a folder with model_index\.json"):
        LatentPipeline.from_pretrained(place)


def test_a_hub_id_is_asked_for_where_no_path_exists(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import diffusers

    asked = []

    def download(place: str, **keys: Any) -> str:
        asked.append((place, keys))
        if place != "our/model":
            raise OSError("no network")
        return str(folders["sd"])

    monkeypatch.setattr(diffusers.DiffusionPipeline, "download", download)
    monkeypatch.chdir(tmp_path)
    assert LatentPipeline.from_pretrained("our/model").name == "StableDiffusionPipeline"
    assert asked == [("our/model", {"revision": None, "use_safetensors": True, "trust_remote_code": False})]
    with pytest.raises(ValueError, match=r"'other/model': no such folder here, .*: no network"):
        LatentPipeline.from_pretrained("other/model")


def test_damage_is_one_clear_error(copy: Path) -> None:
    weights = copy / "unet" / "diffusion_pytorch_model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    refused(copy, "cannot be read: ")
    weights.write_bytes(whole)
    tensors = load_file(weights)
    del tensors["conv_out.bias"]
    save_file(tensors, weights)
    refused(copy, "not whole: unet lacks conv_out.bias")
    weights.unlink()
    refused(copy, "cannot be read: .*diffusion_pytorch_model")


def test_weights_that_transformers_would_invent_are_refused(copy: Path) -> None:
    weights = copy / "text_encoder" / "model.safetensors"
    tensors = load_file(weights)
    lost = next(name for name in tensors if name.endswith("final_layer_norm.bias"))
    del tensors[lost]
    save_file(tensors, weights, metadata={"format": "pt"})
    refused(copy, "not whole: transformers found weights missing in it: .*final_layer_norm.bias")


def test_an_index_that_leads_elsewhere_is_refused(copy: Path) -> None:
    index = copy / "model_index.json"
    edit(index, scheduler=["os", "system"])
    refused(copy, "scheduler comes from 'os'; only diffusers and transformers are built")
    (copy / "unet" / "mine.py").write_text("raise SystemExit('run')")
    edit(index, scheduler=["diffusers", "DDIMScheduler"], unet=["mine", "Model"])
    refused(copy, "unet comes from 'mine'")
    (copy / "pipeline.py").write_text("raise SystemExit('run')")
    edit(index, unet=["diffusers", "UNet2DConditionModel"], _class_name=["pipeline", "Mine"])
    refused(copy, r"has no pipeline \['pipeline', 'Mine'\], and no other code is run")
    index.write_text("{")
    refused(copy, "is no pipeline, its model_index.json cannot be read")
    index.unlink()
    refused(copy, "is no pipeline, its model_index.json cannot be read")


def test_pickled_weights_are_not_read(copy: Path) -> None:
    for file in list(copy.glob("*/*.safetensors")):
        torch.save(load_file(file), file.with_name(file.name.replace("model.safetensors", "model.bin")))
        if file.name == "model.safetensors":
            file.with_name("model.bin").rename(file.with_name("pytorch_model.bin"))
        file.unlink()
    assert len(list(copy.glob("*/*.bin"))) == 3
    refused(copy, "cannot be read: ")


def refused(folder: Path, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        LatentPipeline.from_pretrained(folder)
    assert str(folder) in str(caught.value)


def test_half_precision_files_and_precisions(folders: dict[str, Path], tmp_path: Path) -> None:
    tiny.build("sd").to(torch.float16).save_pretrained(tmp_path / "half", variant="fp16")
    source = LatentPipeline.from_pretrained(tmp_path / "half", precision="bf16")
    assert source.pipeline.unet.dtype == torch.bfloat16
    assert source(PROMPTS, [1, 2], steps=2, **SIZE).dtype == torch.float32
    with pytest.raises(ValueError, match="unknown precision 'half'; known are auto, fp32"):
        LatentPipeline.from_pretrained(folders["sd"], precision="half")


def test_parts_that_were_left_out_when_saving(tmp_path: Path) -> None:
    pipeline = tiny.build("sd3")
    pipeline.text_encoder_3 = pipeline.tokenizer_3 = None
    pipeline.register_modules(text_encoder_3=None, tokenizer_3=None)
    pipeline.save_pretrained(tmp_path / "sd3")
    assert LatentPipeline.from_pretrained(tmp_path / "sd3")(PROMPTS, [1, 2], steps=1, **SIZE).shape[1] == 16


def test_a_missing_package_is_said(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cfmrestore.ldm.loading.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"transformers: pip install 'cfmrestore\[ldm\]'"):
        LatentPipeline.from_pretrained(folders["sd"])
