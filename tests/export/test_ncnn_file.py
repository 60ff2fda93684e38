"""Nets of ncnn: their text, and what they compute."""

from pathlib import Path

import numpy as np
import pytest
import torch

from cfmrestore.apis.export import export
from cfmrestore.export.ncnn_file import plain_layers
from cfmrestore.restore import Restorer

PARAM = """7767517
3 3
Input in0 0 1 in0
Swish silu_1 1 1 in0 1
Clip clip_0 1 1 1 out0 0=0.0 1=1.0
"""


def test_swish_becomes_layers_that_all_builds_have() -> None:
    assert plain_layers(PARAM).splitlines() == [
        "7767517",
        "5 6",
        "Input in0 0 1 data",
        "Split silu_1_split 1 2 data silu_1_x silu_1_s",
        "Sigmoid silu_1_sigmoid 1 1 silu_1_s silu_1_sigmoid",
        "BinaryOp silu_1 2 1 silu_1_x silu_1_sigmoid 1 0=2",
        "Clip clip_0 1 1 1 output 0=0.0 1=1.0",
    ]


@pytest.mark.slow
@pytest.mark.usefixtures("open_sizes")
def test_a_net_computes_what_torch_does(tmp_path: Path) -> None:
    ncnn = pytest.importorskip("ncnn")
    param, weights, card = export("cfm-realsr-x4", "ncnn", tmp_path / "x4.param", fidelity=1)
    assert [param.name, weights.name, card.name] == ["x4.param", "x4.bin", "x4.param.json"]
    net = ncnn.Net()
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    net.opt.use_bf16_storage, net.opt.num_threads = False, 1
    assert net.load_param(str(param)) == 0
    assert net.load_model(str(weights)) == 0
    restorer = Restorer.from_pretrained("cfm-realsr-x4", device="cpu")
    for height, width in ((1, 1), (1, 6), (2, 2), (5, 3), (17, 23), (8, 40)):
        image = torch.rand(1, 3, height, width)
        extractor = net.create_extractor()
        extractor.input("data", ncnn.Mat(image[0].numpy()).clone())
        result, found = extractor.extract("output")
        assert result == 0
        expected = restorer(image, fidelity=1, tile=0)[0]
        torch.testing.assert_close(torch.from_numpy(np.array(found)), expected, atol=1e-4, rtol=0)


def test_what_ncnn_has_no_layers_for_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="fidelity 1"):
        export("cfm-realsr-x4", "ncnn", tmp_path / "x4.param", fidelity=0)
    assert not any(tmp_path.iterdir())
