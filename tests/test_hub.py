"""Weights from mirrors: the right file or none, and one message."""

import hashlib
from pathlib import Path

import pytest

from cfmrestore.hub import find_file


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    (tmp_path / "mirror").mkdir()
    file = tmp_path / "mirror" / "net.pth"
    file.write_bytes(b"weights")
    return file


def test_the_first_mirror_that_has_it(mirror: Path, tmp_path: Path) -> None:
    digest = hashlib.sha256(b"weights").hexdigest()
    addresses = [(tmp_path / "none").as_uri(), mirror.as_uri()]
    keys = {"purpose": "a test", "mirrors": addresses}
    found = find_file(tmp_path / "cache.pth", "net.pth", sha256=digest, **keys)
    assert found == tmp_path / "cache.pth"
    assert found.read_bytes() == b"weights"
    mirror.unlink()
    assert find_file(tmp_path / "cache.pth", "net.pth", sha256=digest, **keys) == found
    mirror.write_bytes(b"weights")
    named = find_file(tmp_path / "other.pth", f"net-{digest[:8]}.pth", **keys)
    assert named.read_bytes() == b"weights"


@pytest.mark.parametrize(("sha256", "message"), [("0" * 64, "damaged or another file"), (None, "need their sha256")])
def test_another_file_is_refused(mirror: Path, tmp_path: Path, sha256: str | None, message: str) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    with pytest.raises(ValueError, match=rf"a test needs the weights net\.pth, .*{message}"):
        find_file(cache, "net.pth", purpose="a test", mirrors=[mirror.as_uri()], sha256=sha256)
    assert not list(cache.iterdir())
