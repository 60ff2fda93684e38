"""docs/plugins.md: a section a kind, whose example keeps the contract that the section tells."""

import re

import pytest

from cfmrestore.contracts import CONTRACTS
from cfmrestore.registry import REGISTRIES
from tests.testing import ROOT

PAGE = (ROOT / "docs" / "plugins.md").read_text().split("\n## Contracts\n")[1]
SECTIONS = {part.partition("\n")[0]: part for part in PAGE.split("\n### ")[1:]}
SHELLS = {"model", "hook", "loop", "runner", "optimizer wrapper", "data sampler", "visualization backend"}
KINDS = sorted(REGISTRIES.keys() - SHELLS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_section_tells_base_class_and_file(kind: str) -> None:
    text, contract = SECTIONS[kind.capitalize()], CONTRACTS[kind]
    assert f"`{contract.checks[0].__module__.replace('.', '/')}.py`" in text
    base = contract.base if isinstance(contract.base, type) else contract.base[0]
    assert re.search(rf"`[\w.]*{base.__name__}`", text)


@pytest.mark.parametrize("title", sorted(SECTIONS.keys() - {"Guidance"}))
def test_the_example_keeps_the_contract(title: str) -> None:
    examples = re.findall(r"```python\n(.*?)```", SECTIONS[title], re.DOTALL)
    assert examples
    for code in examples:
        check_example(title, code)


def check_example(title: str, code: str) -> None:
    (name,) = re.findall(r"register_module\(\)\nclass (\w+)", code)
    kind = title.lower() if title.lower() in REGISTRIES else "hook"
    contract = CONTRACTS[kind]
    contract.registry.import_from_location()
    try:
        exec(compile(code, f"{title}.py", "exec", dont_inherit=True), {"__name__": f"example_{name}"})
        findings = list(contract.findings(contract.make(name, {})))
    finally:
        contract.registry.module_dict.pop(name, None)
    assert findings
    assert not [(one.name, one.broken) for one in findings if one.broken]
