"""spandrel loads what was exported, by the package of integrations/spandrel."""

from pathlib import Path

import pytest
import torch

from cfmrestore._compat import patch_torchvision
from cfmrestore.apis.export import export
from cfmrestore.restore import Restorer
from tests.testing import ROOT

patch_torchvision()  # where its build is not that of torch
spandrel = pytest.importorskip("spandrel")


def test_a_model_loads_and_restores_as_the_restorer_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "integrations" / "spandrel" / "src")
    import spandrel_cfmrestore

    export("cfm-x4", "safetensors", tmp_path / "model.safetensors")
    spandrel_cfmrestore.install()
    spandrel_cfmrestore.install()
    model = spandrel.ModelLoader().load_from_file(tmp_path / "model.safetensors")
    assert (model.architecture.id, model.purpose, model.scale) == ("cfmrestore", "SR", 4)
    image = torch.rand(1, 3, 9, 13)
    expected = Restorer.from_pretrained("cfm-x4", device="cpu")(image, fidelity=1, tile=0)
    torch.testing.assert_close(model(image), expected, atol=1e-5, rtol=0)


def test_a_file_that_names_a_place_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "integrations" / "spandrel" / "src")
    import spandrel_cfmrestore

    text = b'{"name": "bad", "model": {"encoder": {"path": "/etc"}}}'
    with pytest.raises(ValueError, match="a place of one machine"):
        spandrel_cfmrestore.CouplingFlowArch().load({"model.json": torch.tensor(list(text), dtype=torch.uint8)})
