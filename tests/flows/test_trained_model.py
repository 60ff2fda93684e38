"""Steps of a model beside those of mmengine's ``BaseModel``."""

from typing import Any

import pytest
import torch
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper
from torch import Tensor, nn

from cfmrestore.flows.preprocessor import RestorationPreprocessor
from cfmrestore.flows.trained_model import TrainedModel


class Doubled(nn.Module):
    def forward(self, data: dict[str, Tensor], training: bool = False) -> dict[str, Tensor]:
        return {"x": 2 * data["x"] + training}


class Line(nn.Linear):
    began = 0

    def init_weights(self) -> None:
        self.began += 1


def model_of(base: Any) -> Any:
    class Small(base):
        def __init__(self) -> None:
            super().__init__(Doubled())
            self.line = Line(3, 1)
            for parameter in self.parameters():
                nn.init.constant_(parameter, 0.1)

        def forward(self, x: Tensor, mode: str = "tensor") -> Any:
            y = self.line(x)
            if mode == "loss":
                return {"loss_a": y.square(), "loss_b": y.abs().mean(), "largest": y.max()}
            return [{"y": one} for one in y]

    return Small()


@pytest.mark.parametrize("wrapped", [False, True])
def test_the_steps_are_those_of_mmengine(wrapped: bool) -> None:
    x, logs, models = torch.linspace(-1, 1, 12).view(4, 3), [], [model_of(TrainedModel), model_of(BaseModel)]
    for model in models:
        wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1), accumulative_counts=1 + wrapped)
        model.init_weights()
        assert model.line.began == 1
        logs.append([model.train_step({"x": x + step}, wrapper) for step in range(4)])
    for own, theirs in zip(*logs, strict=True):
        assert own == theirs
        assert list(own) == list(theirs) == ["loss", "loss_a", "loss_b", "largest"]
    assert torch.equal(models[0].line.weight, models[1].line.weight)
    for step in ("val_step", "test_step"):
        own, theirs = ([float(one["y"]) for one in getattr(model, step)({"x": x})] for model in models)
        assert own == theirs


def test_batches_go_where_the_model_is() -> None:
    preprocessor = RestorationPreprocessor().to("meta")
    image = torch.zeros(3, 8, 8, dtype=torch.uint8)
    data = {"inputs": {"high": [image]}, "data_samples": {"seed": [1], "number": [0], "name": ["a"]}}
    assert preprocessor(data)["inputs"]["high"].device.type == "meta"
    assert not preprocessor.state_dict()
