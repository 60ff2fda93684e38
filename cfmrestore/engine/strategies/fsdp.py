"""Fully sharded data parallel."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from mmengine.dist import broadcast, get_world_size
from mmengine.hooks import Hook
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard

from cfmrestore.engine.strategies.base import Strategy
from cfmrestore.flows.coupling_flow import CouplingFlow


class FSDP(Strategy):
    """Every process holds a part of each weight, of its gradient and of its optimizer states.

    A block's weights are gathered for its forward and again for its backward pass. Blocks are the items of the model's
    lists of modules; what stands outside of them is one more. Reference: Zhao et al., 2023 (arXiv:2304.11277), as
    PyTorch's ``fully_shard``.

    Args:
        reshard_after_forward: Drop a block's gathered weights behind its forward pass (ZeRO-3); False keeps them for
            its backward pass (ZeRO-2), which is faster and takes their memory.
    """

    divides: ClassVar[str | None] = "weights"
    shards_weights: ClassVar[bool] = True

    def __init__(self, *, reshard_after_forward: bool = True) -> None:
        self.reshard_after_forward = reshard_after_forward

    def check(self, config: Mapping[str, Any]) -> None:
        super().check(config)
        model = config["model"]
        if model.get("compile"):
            raise ValueError("strategy 'fsdp' does not go with model.compile: leave one of them out")
        losses = model.get("loss") or []
        for loss in losses if isinstance(losses, list | tuple) else [losses]:
            if loss["type"] == "MeanFlow" and loss.get("derivative", "exact") == "exact":
                raise ValueError(
                    "strategy 'fsdp' has no forward-mode derivative: MeanFlow needs derivative='difference' with it"
                )

    def wrap(self, model: nn.Module, device: str, config: Mapping[str, Any]) -> nn.Module:
        del config
        if isinstance(model, CouplingFlow):
            model.load_teacher()  # a copy of the network, which can be copied while it is whole
        for value in model.state_dict().values():
            broadcast(value)
        for parameter in model.parameters():
            parameter.data = parameter.data.contiguous()  # channels-last weights cannot be divided
        mesh = init_device_mesh(device, (get_world_size(),))
        for block in _blocks(model):
            fully_shard(block, mesh=mesh, reshard_after_forward=self.reshard_after_forward)
        fully_shard(model, mesh=mesh)
        return model.to(device)


def _blocks(module: nn.Module) -> Iterator[nn.Module]:
    """Items of the outermost lists of modules, as far as they have weights."""
    for child in module.children():
        if not isinstance(child, nn.ModuleList):
            yield from _blocks(child)
        else:
            yield from (item for item in child if any(True for _ in item.parameters()))


class GatherWeights(Hook):
    """Whole weights in every process while it evaluates: their networks are asked differently often then."""

    priority = "LOWEST"  # behind the moving average, which changes them

    def before_val_epoch(self, runner: Any) -> None:
        for unit in _units(runner.model):
            unit.set_reshard_after_forward(False, recurse=False)
            unit.unshard()

    def after_val_epoch(self, runner: Any, metrics: dict[str, float] | None = None) -> None:
        del metrics
        for unit in _units(runner.model):
            drops = runner.strategy.reshard_after_forward and unit is not runner.model
            unit.set_reshard_after_forward(drops, recurse=False)
            unit.reshard()


def _units(model: nn.Module) -> list[FSDPModule]:
    return [module for module in model.modules() if isinstance(module, FSDPModule)]
