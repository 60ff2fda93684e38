"""Contracts of plugins, one file a kind: what each kind promises, as checks that users and tests run."""

from cfmrestore.contracts import (
    conditions,
    couplings,
    datasets,
    degradations,
    encoders,
    features,
    grids,
    inverse_solvers,
    losses,
    metrics,
    networks,
    paths,
    solvers,
    times,
    transforms,
)
from cfmrestore.contracts.base import Contract, Finding
from cfmrestore.contracts.shells import SHELLS
from cfmrestore.plugins import ContractError

_FILES = (
    encoders, degradations, conditions, couplings, paths, networks, features, solvers, grids, inverse_solvers, times,
    losses, datasets, transforms, metrics,
)  # fmt: skip
CONTRACTS: dict[str, Contract] = {one.kind: one for one in (*(file.CONTRACT for file in _FILES), *SHELLS)}
"""By the name of the registry."""

__all__ = ["CONTRACTS", "Contract", "ContractError", "Finding"]
