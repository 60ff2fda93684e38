"""Names of repositories, and one message for each thing that goes wrong between here and a hub."""

import re
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from huggingface_hub import constants

from cfmrestore.repository import MissingFileError, Repository, fetch, named_repository, push
from tests.hub_server import READ, WRITE, HubServer, serve


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubServer]:
    """A hub with the public repository me/small of one file."""
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "config.json").write_text("{}")
    with serve(tmp_path / "home") as server:
        server.add("me/small", tmp_path / "files")
        yield server


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("me/small", Repository("me/small")),
        ("hf://me/small", Repository("me/small")),
        ("me/small@v1.0", Repository("me/small", "v1.0")),
        ("me/small@refs/pr/4", Repository("me/small", "refs/pr/4")),
        ("small", None),
        ("a/b/c", None),
        ("./small", None),
        ("../small", None),
        ("~/small", None),
        ("/me/small", None),
        ("me/small.safetensors", None),
        ("configs/small.py", None),
        ("me/..", None),
        ("work_dirs/none", None),
        ("configs/none", None),
        ("mé/small", None),
    ],
)
def test_names(text: str, expected: Repository | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert named_repository(text) == expected
    assert expected is None or named_repository(str(expected)) == expected


def test_a_path_in_a_folder_that_is_here_is_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "work_dirs").mkdir()
    assert named_repository("work_dirs/typo") is None
    assert named_repository("hf://work_dirs/typo") == Repository("work_dirs/typo")


@pytest.mark.parametrize("revision", ["../x", "a/../b", "/main", "", "a//b", "-x", "a b"])
def test_revisions_that_leave_the_cache(revision: str) -> None:
    with pytest.raises(ValueError, match="is no revision: name a branch, a tag or a commit"):
        named_repository("me/small", revision)
    with pytest.raises(ValueError, match="is no revision"):
        named_repository(f"me/small@{revision}")


def test_two_revisions_and_no_name() -> None:
    assert named_repository("me/small@v1", "v1") == Repository("me/small", "v1")
    with pytest.raises(ValueError, match="names a revision, and 'v2' is another"):
        named_repository("me/small@v1", "v2")
    with pytest.raises(ValueError, match="'hf://small' names no repository: it should be hf://org/name"):
        named_repository("hf://small")


def test_a_file_of_a_commit_comes_from_the_cache(hub: HubServer) -> None:
    folder = fetch(Repository("me/small"), "config.json")
    assert (folder / "config.json").read_text() == "{}"
    assert folder.name == hub.repositories["me/small"].branches["main"]
    hub.asked.clear()
    assert fetch(Repository("me/small", folder.name), "config.json") == folder
    assert not hub.asked


def test_a_cache_of_ones_own(hub: HubServer, tmp_path: Path) -> None:
    folder = fetch(Repository("me/small"), "config.json", cache_dir=tmp_path / "own")
    assert (tmp_path / "own") in folder.parents
    assert not (tmp_path / "home" / "hub").exists()


@pytest.mark.parametrize(
    ("repository", "token", "message"),
    [
        (
            "me/none",
            None,
            r"me/none: there is no such path here, and {hub} has no such repository or hides it: .*HF_TOKEN",
        ),
        ("me/none", READ, r"me/none: there is no such path here, and {hub} has no such repository"),
        (
            "me/small",
            "false",
            r"me/small: {hub} refuses: it needs a token that may read it \(HF_TOKEN, or hf auth login",
        ),
        ("me/hidden", None, r"me/hidden: .* has no such repository or hides it"),
        ("me/gated", None, r"me/gated: its authors ask who loads it: accept their terms at {hub}/me/gated, .*HF_TOKEN"),
        ("me/small@v7", None, "me/small@v7: there is no such branch, tag or commit in it: leave the revision out"),
    ],
)
def test_what_a_hub_does_not_give(
    hub: HubServer, repository: str, token: str | None, message: str, tmp_path: Path
) -> None:
    hub.add("me/hidden", tmp_path / "files", private=True)
    hub.add("me/gated", tmp_path / "files", gated=True)
    named = named_repository(repository)
    assert named is not None
    with pytest.raises(ValueError, match="^" + message.replace("{hub}", re.escape(hub.address))):
        fetch(named, "config.json", token=token)


@pytest.mark.parametrize("name", ["me/hidden", "me/gated"])
def test_a_token_opens(hub: HubServer, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.add("me/hidden", tmp_path / "files", private=True)
    hub.add("me/gated", tmp_path / "files", gated=True)
    assert fetch(Repository(name), "config.json", token=READ, cache_dir=tmp_path / "one").is_dir()
    monkeypatch.setenv("HF_TOKEN", READ)
    assert fetch(Repository(name), "config.json", cache_dir=tmp_path / "two").is_dir()


def test_a_file_that_is_not_there(hub: HubServer) -> None:
    with pytest.raises(MissingFileError, match=r"^me/small: it holds no model\.safetensors$"):
        fetch(Repository("me/small"), "model.safetensors")


def never(seconds: float) -> None:
    raise AssertionError(f"nobody waits {seconds} s")


def test_without_a_network(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = fetch(Repository("me/small"), "config.json")
    hub.shutdown()
    hub.server_close()
    monkeypatch.setattr("time.sleep", never)  # between attempts
    assert fetch(Repository("me/small"), "config.json") == folder
    with pytest.raises(ValueError, match=rf"^me/other: .* {hub.address} does not answer \(.*, and the cache has no"):
        fetch(Repository("me/other"), "config.json")
    monkeypatch.setattr("time.sleep", lambda _: None)
    with pytest.raises(ValueError, match=rf"^me/other: {hub.address}: "):
        push(folder, ["config.json"], Repository("me/other"), token=WRITE)


def test_offline(hub: HubServer) -> None:
    folder = fetch(Repository("me/small"), "config.json")
    hub.asked.clear()
    with mock.patch.object(constants, "HF_HUB_OFFLINE", True):
        assert fetch(Repository("me/small"), "config.json") == folder
        with pytest.raises(
            ValueError,
            match=r"^me/other: there is no such path here; as a repository, HF_HUB_OFFLINE is set, and the cache has",
        ):
            fetch(Repository("me/other"), "config.json")
        with pytest.raises(ValueError, match=r"^me/other: HF_HUB_OFFLINE is set: nothing is pushed"):
            push(folder, ["config.json"], Repository("me/other"), token=WRITE)
    assert not hub.asked


@pytest.mark.parametrize(
    "headers", [{"ETag": '"../../../out"'}, {"X-Linked-Etag": "a/b"}, {"X-Repo-Commit": ".."}, {"ETag": "C:\\out"}]
)
def test_an_answer_that_would_lead_out_of_the_cache(hub: HubServer, headers: dict[str, str], tmp_path: Path) -> None:
    hub.headers = headers
    with pytest.raises(ValueError, match=r"^me/small: .* its answer would lead out of the cache \(ETag '.*', commit '"):
        fetch(Repository("me/small"), "config.json")
    assert not (tmp_path / "home").exists()


def test_a_push_takes_the_files_that_are_named(hub: HubServer, tmp_path: Path) -> None:
    (tmp_path / "files" / ".env").write_text("secret")
    (tmp_path / "files" / "more.json").write_text("2")
    address = push(tmp_path / "files", ["config.json"], Repository("me/new"), private=True, token=WRITE)
    assert address.startswith(f"{hub.address}/me/new/commit/")
    assert hub.repositories["me/new"].private
    assert sorted(hub.repositories["me/new"].at("main")) == [".gitattributes", "config.json"]


def test_a_push_to_a_branch(hub: HubServer, tmp_path: Path) -> None:
    (tmp_path / "files" / "config.json").write_text("[]")
    for _ in range(2):
        push(tmp_path / "files", ["config.json"], Repository("me/small", "v2"), token=WRITE)
    repository = hub.repositories["me/small"]
    assert [repository.at(branch)["config.json"] for branch in ("main", "v2")] == [b"{}", b"[]"]


def test_private_is_not_taken_for_granted(hub: HubServer, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^me/small is there and not private: nothing was pushed$"):
        push(tmp_path / "files", ["config.json"], Repository("me/small"), private=True, token=WRITE)
    assert len(hub.repositories["me/small"].commits) == 1


@pytest.mark.parametrize("token", [None, READ])
@pytest.mark.parametrize("name", ["me/small", "me/new"])
def test_a_push_needs_the_right_token(hub: HubServer, tmp_path: Path, name: str, token: str | None) -> None:
    with pytest.raises(ValueError, match=rf"^{name}: {hub.address} refuses: it needs a token that may write it"):
        push(tmp_path / "files", ["config.json"], Repository(name), token=token)
