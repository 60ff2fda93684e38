"""Every plugin of the package keeps the contract of its kind."""

import cfmrestore_plugin_template
import pytest

from cfmrestore.contracts import CONTRACTS

PLUGINS = [
    (kind, name)
    for kind, contract in CONTRACTS.items()
    for name, cls in contract.registry.module_dict.items()
    if cls.__module__.startswith(cfmrestore_plugin_template.__name__)
]


def test_all_are_registered() -> None:
    assert {name for _, name in PLUGINS} == set(cfmrestore_plugin_template.__all__)


@pytest.mark.parametrize(("kind", "name"), PLUGINS)
def test_contract(kind: str, name: str) -> None:
    contract = CONTRACTS[kind]
    broken = {one.name: one.broken for one in contract.findings(contract.make(name, {})) if one.broken}
    assert not broken
