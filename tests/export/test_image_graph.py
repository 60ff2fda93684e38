"""A restoration as a graph gives what the Restorer gives, and refuses what is none."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from cfmrestore.couplings import Coupling
from cfmrestore.couplings.source import draw_source
from cfmrestore.encoders import Encoder
from cfmrestore.execution import Execution
from cfmrestore.export.folding import FoldedDecoder, FoldedLift, folds
from cfmrestore.export.image_graph import ImageGraph, one_evaluation
from cfmrestore.export.onnx_file import write_onnx
from cfmrestore.flows.coupling_flow import CouplingFlow
from cfmrestore.ops.rng import ImageRng
from cfmrestore.restore import Restorer, Settings
from cfmrestore.typing import Image, Source
from tests.restore.flows import random_flow

SIZES = ((1, 1), (1, 7), (5, 1), (2, 2), (9, 14))
FOLDING = {"encoder": {"type": "Haar", "factor": 4}}
FLOW_MAP = {"network": {"type": "UNet", "base_channels": 8, "channel_factors": [1], "blocks": 1,
                        "attention_factors": [],
                        "groups": None, "middle_attention": False, "input_skip": True, "flow_map": True},
            "sampling": {"solver": {"type": "FlowMapEuler", "dial": True}, "num_intervals": 1}}  # fmt: skip


def graph_of(flow: CouplingFlow, *, noise_input: bool = False, **settings: object) -> ImageGraph:
    return ImageGraph(flow, Settings.of(settings).sampling(flow.sampling), noise_input=noise_input).eval()


@pytest.fixture
def coupling() -> type[Coupling]:
    """Starts at the input with noise that grows with its brightness."""

    class Brighter(Coupling):
        def __init__(self, *, encoder: Encoder, scale: int = 1, fault: str = "") -> None:
            super().__init__(encoder=encoder, scale=scale)
            self.fault, self.extra_nfe = fault, int(fault == "network")

        def source(self, low: Image, rng: ImageRng, execution: Execution) -> Source:
            c = self.lifted(low, rng, execution)
            level = 0.2 + low.mean(dim=(1, 2, 3))
            std = level[:, None, None, None].expand_as(c)
            shift = {"mean": rng.fork("mean").normal, "uniform": rng.fork("mean").uniform}.get(self.fault)
            mean = 0.9 * c if shift is None else c + shift(1, 1, 1)
            return draw_source(mean, std, rng, lowres=c, noise_level=level)

        start = source

    return Brighter


def image(height: int, width: int) -> Tensor:
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(height))


@pytest.mark.parametrize("color", ["none", "mean", "adain"])
@pytest.mark.parametrize("keys", [{}, FOLDING, {"coupling": {"type": "LowresLatent", "noise": None}}])
def test_the_posterior_mean_is_the_restorers(keys: dict, color: str) -> None:
    flow = random_flow(**keys)
    graph, restorer = graph_of(flow, fidelity=1, color=color), Restorer(flow, device="cpu")
    with torch.no_grad():
        for size in SIZES:
            x = image(*size)
            torch.testing.assert_close(graph(x), restorer(x, fidelity=1, color=color, tile=0), atol=1e-5, rtol=0)


@pytest.mark.parametrize("fidelity", [0.0, 0.4])
def test_a_sample_of_a_flow_map_is_the_restorers_from_the_same_noise(fidelity: float) -> None:
    flow = random_flow(**FOLDING, **FLOW_MAP)
    graph, restorer = graph_of(flow, fidelity=fidelity, noise_input=True), Restorer(flow, device="cpu")
    x = image(6, 9)[:1]
    seeds = ImageRng([3]).fork("flow")
    noise = seeds.fork("source").normal(flow.encoder.channels, 6, 9)
    with torch.no_grad():
        found = graph(x, noise)
    torch.testing.assert_close(found, restorer(x, fidelity=fidelity, seed=3, tile=0), atol=1e-5, rtol=0)


def test_noise_that_comes_again_is_standard_normal_and_the_same_each_time() -> None:
    graph = graph_of(random_flow(**FOLDING, **FLOW_MAP))
    with torch.no_grad():
        once, again = graph(image(70, 3)), graph(image(70, 3))
    assert torch.equal(once, again)
    assert graph.tile is not None
    assert abs(float(graph.tile.std()) - 1) < 0.01
    noise = graph._repeated(torch.zeros(1, 48, 70, 3))
    assert torch.equal(noise[:, :, 64:], noise[:, :, :6])


def test_folding_is_the_coupling_and_the_encoder() -> None:
    flow = random_flow(**FOLDING)
    assert folds(flow.coupling)
    assert not folds(random_flow().coupling)
    x, execution = image(9, 14), flow.execution()
    latent = flow.coupling.lifted(x, ImageRng([0, 1]), execution)
    torch.testing.assert_close(FoldedLift(flow.coupling, execution)(x), latent, atol=1e-5, rtol=0)
    torch.testing.assert_close(FoldedDecoder(flow.encoder)(latent), flow.encoder.decode(latent), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"fidelity": 0}, "fidelity 0 by Euler in 2 intervals takes 2"),
        ({"fidelity": 0.5, "num_intervals": 1}, "takes 2"),
        ({"fidelity": 0, "num_intervals": 1, "solver": "DoPri5"}, "as many as its error asks for"),
        ({"fidelity": 1, "consistency": True}, "consistency is no part of a graph"),
        ({"fidelity": 1, "color": "wavelet"}, "corrects colors by none, mean, adain"),
    ],
)
def test_what_no_graph_does_is_refused(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        graph_of(random_flow(), **settings)


@pytest.mark.parametrize("keys", [FOLDING, {}, FOLDING | {"conditions": [{"type": "LowRes", "noise_level": True}]}])
def test_a_coupling_of_ones_own_starts_as_its_source_says(coupling: type[Coupling], keys: dict) -> None:
    flow = random_flow(**keys, **FLOW_MAP, coupling={"type": coupling})
    noises_fit = flow.encoder.downscale == flow.coupling.scale
    x, restorer = image(6, 9)[:1], Restorer(flow, device="cpu")
    noise = ImageRng([3]).fork("flow").fork("source").normal(flow.encoder.channels, 6, 9)
    with torch.no_grad():
        found = graph_of(flow, fidelity=1)(x)
        torch.testing.assert_close(found, restorer(x, fidelity=1, tile=0), atol=1e-5, rtol=0)
        if noises_fit:
            found = graph_of(flow, fidelity=0.4, noise_input=True)(x, noise)
            torch.testing.assert_close(found, restorer(x, fidelity=0.4, seed=3, tile=0), atol=1e-5, rtol=0)


@pytest.mark.slow
@pytest.mark.usefixtures("open_sizes")
@pytest.mark.parametrize("keys", [FOLDING, {}])
def test_a_coupling_of_ones_own_in_a_file(coupling: type[Coupling], keys: dict, tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime")
    flow = random_flow(**keys, **FLOW_MAP, coupling={"type": coupling})
    graph = graph_of(flow, fidelity=0.4)
    (file,) = write_onnx(graph, tmp_path / "model.onnx", {})
    session = runtime.InferenceSession(file.read_bytes())
    for size in SIZES:
        x = image(*size)
        (found,) = session.run(None, {"image": x.numpy()})
        with torch.no_grad():
            torch.testing.assert_close(torch.from_numpy(found), graph(x), atol=1e-4, rtol=0)


def test_noise_input_restores_from_noise_alone() -> None:
    flow = random_flow(**FOLDING, **FLOW_MAP, coupling={"type": "Independent"})
    x, restorer = image(6, 9)[:1], Restorer(flow, device="cpu")
    noise = ImageRng([3]).fork("flow").fork("source").normal(flow.encoder.channels, 6, 9)
    with torch.no_grad():
        found = graph_of(flow, fidelity=0, noise_input=True)(x, noise)
    torch.testing.assert_close(found, restorer(x, fidelity=0, seed=3, tile=0), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("mean", "needs a mean, a std and a lowres that the image alone decides"),
        ("uniform", "may draw standard normal numbers, of one shape for every image, and nothing else"),
        ("network", "evaluates a network, which a graph does of PosteriorMean alone"),
    ],
)
def test_a_start_that_is_no_normal_law_is_refused(coupling: type[Coupling], fault: str, message: str) -> None:
    flow = random_flow(**FOLDING, coupling={"type": coupling, "fault": fault})
    with pytest.raises(ValueError, match=message):
        graph_of(flow, fidelity=1)


def test_a_model_that_needs_more_than_an_image_is_refused() -> None:
    drawing = random_flow(coupling={"type": "Independent"}, conditions=[])
    with pytest.raises(ValueError, match="this one has Independent without LowRes"):
        graph_of(drawing, fidelity=0, num_intervals=1)
    told = random_flow(conditions=[{"type": "LowRes"}, {"type": "ClassLabel", "classes": 3, "channels": 8}])
    with pytest.raises(ValueError, match=r"this one is told ClassLabel$"):
        graph_of(told, fidelity=1)
    padded = random_flow(**FOLDING, **FLOW_MAP, coupling={"type": "LowresLatent", "upsample": "nearest"})
    with pytest.raises(ValueError, match="leave --noise-input out"):
        graph_of(padded, fidelity=0, noise_input=True)
    with pytest.raises(ValueError, match="there is no noise to be an input"):
        graph_of(random_flow(), fidelity=1, noise_input=True)
    sampling = random_flow().sampling
    assert one_evaluation(random_flow(), sampling).fidelity == 1
