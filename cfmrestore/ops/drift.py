"""The field by which a generated set drifts towards a real one."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

_NEVER = -1e9  # logarithm of the weight of what is not compared


def drift(
    y: Float[Tensor, "n d"],
    positive: Float[Tensor, "m d"],
    negative: Float[Tensor, "k d"],
    *,
    temperatures: Sequence[float],
    near_positive: Bool[Tensor, "n m"],
    near_negative: Bool[Tensor, "n k"],
    columns: bool = True,
    normalize: bool = True,
) -> Float[Tensor, "n d"]:
    r"""Attraction by positive samples and repulsion by negative ones, the sum over temperatures R.

    .. math::
        V(y_i) = \sum_{j, k} A^+_{ij} A^-_{ik} (y^+_j - y^-_k), \qquad
        A_{ij} \propto \exp(-|y_i - y_j| / R)

    with A normalized over the row of all samples that i is compared with, of both kinds, and over the column of all
    that are compared with j: the geometric mean of both. V is antisymmetric, zero where the positive set is the
    negative one, and each R's is scaled to a mean square of 1.

    Without ``columns`` A is normalized over rows alone. Then :math:`A^+_{ij} A^-_{ik}` does not change where
    :math:`y^+_j` and :math:`y^-_k` change places, so that :math:`E[V | y_i] = 0` where they are drawn from one law,
    however few they are; over columns, of which those of negative samples lack one, that holds of many.

    Reference: Deng et al., 2026 (arXiv:2602.04770).

    Args:
        y: Where the field is asked, in units in which distances are about 1.
        positive, negative: The samples.
        temperatures: Distances R at which samples act.
        near_positive, near_negative: Which samples each y is compared with; itself is none.
        columns: Normalize over columns, too.
        normalize: Scale each R's field to a mean square of 1.
    """
    d = torch.cat([torch.cdist(y, positive), torch.cdist(y, negative)], dim=1)
    compared = torch.cat([near_positive, near_negative], dim=1)
    total = torch.zeros_like(y)
    for temperature in temperatures:
        logits = torch.where(compared, -d / temperature, _NEVER)
        a = logits.softmax(dim=1)
        if columns:
            a = (a * logits.softmax(dim=0)).sqrt()
        attracting, repelling = torch.where(compared, a, 0).split([len(positive), len(negative)], dim=1)
        field = repelling.sum(dim=1, keepdim=True) * (attracting @ positive)
        field = field - attracting.sum(dim=1, keepdim=True) * (repelling @ negative)
        total = total + (field / field.square().mean().sqrt().clamp_min(1e-12) if normalize else field)
    return total
