"""Class label: a learned vector a class."""

import torch
from torch import nn

from cfmrestore.conditions.base import Condition, ConditionInputs
from cfmrestore.registry import CONDITIONS
from cfmrestore.typing import Conditioning


@CONDITIONS.register_module()
class ClassLabel(Condition):
    """A vector a class, added to the time embedding, and one more for no class.

    Reference: Peebles and Xie, 2023, section 3.2 (arXiv:2212.09748), whose table begins at N(0, 0.02^2).

    Args:
        classes: Number of classes.
        channels: Length of a vector; where it is that of the network's time embedding it is added as it is, otherwise
            through a linear layer of the network.
        dropout: Probability of no class in training.
    """

    needs = ("label",)

    def __init__(self, *, classes: int, channels: int, dropout: float = 0.1) -> None:
        super().__init__(dropout=dropout)
        if classes < 1 or channels < 1:
            raise ValueError(f"ClassLabel needs one class and one channel or more; got {classes=}, {channels=}")
        self.classes, self.embedding_channels = classes, channels
        self.table = nn.Embedding(classes + 1, channels)
        nn.init.normal_(self.table.weight, std=0.02)

    def embed(self, inputs: ConditionInputs) -> Conditioning:
        label = inputs.given["label"].long()
        if bool(((label < 0) | (label >= self.classes)).any()):
            raise ValueError(f"labels are integers from 0 to {self.classes - 1}; got {label.tolist()}")
        return {"embedding": self.table(label)}

    def null(self, inputs: ConditionInputs) -> Conditioning:
        label = inputs.given["label"]
        return {"embedding": self.table(torch.full_like(label, self.classes, dtype=torch.long))}
