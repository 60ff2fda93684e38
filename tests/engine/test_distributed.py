"""Launchers by what the environment says."""

import pytest

from cfmrestore.engine import distributed


@pytest.mark.parametrize(
    ("flag", "env", "expected"),
    [
        (None, {}, "none"),
        (None, {"RANK": "0", "WORLD_SIZE": "2"}, "pytorch"),
        (None, {"WORLD_SIZE": "1", "RANK": "0"}, "none"),
        ("slurm", {}, "slurm"),
        ("none", {"RANK": "0", "WORLD_SIZE": "2"}, "none"),
    ],
)
def test_the_launcher_is_recognized(flag: str | None, env: dict, expected: str) -> None:
    assert distributed.detect(flag, env) == expected


@pytest.mark.parametrize(
    ("nodes", "first"),
    [
        ("gpu[03-05,9]", "gpu03"),
        ("n1,n2", "n1"),
        ("single", "single"),
        ("a[7]", "a7"),
        ("login1,gpu[03-05]", "login1"),
        ("gpu01,gpu[03-05]", "gpu01"),
        ("r[1-2]n3,r4n5", "r1n3"),
    ],
)
def test_the_first_host_of_slurm(nodes: str, first: str) -> None:
    assert distributed._first_host(nodes) == first


def test_a_launcher_without_its_environment_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "SLURM_PROCID"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ValueError, match="torchrun"):
        distributed.join("pytorch")
    with pytest.raises(ValueError, match="SLURM_PROCID"):
        distributed.join("slurm")
