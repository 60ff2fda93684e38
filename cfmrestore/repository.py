"""Repositories of a model hub, ``org/name``: files fetched into the cache of huggingface_hub, folders pushed."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

PREFIX = "hf://"
_ID = re.compile(r"[a-z0-9][\w.-]*/[a-z0-9][\w.-]*", re.ASCII | re.IGNORECASE)
_REVISION = re.compile(r"[a-z0-9][\w.-]*(/[a-z0-9][\w.-]*)*", re.ASCII | re.IGNORECASE)
_FILE = re.compile(r".*\.(safetensors|bin|pth?|ckpt|py|json)")
_FOLDERS = ("configs", "data", "work_dirs")  # where this project's files lie, and no organizations
_PLAIN = re.compile(r"\w[\w.-]*", re.ASCII)  # what the cache may call a file
_PATIENCE = 5.0  # seconds for the hub's first answer, where HF_HUB_ETAG_TIMEOUT does not say


class MissingFileError(ValueError):
    """A file that a repository does not hold."""


class Repository(NamedTuple):
    """What ``org/name`` or ``org/name@revision`` names: a branch, a tag or a commit; by default the main branch."""

    id: str
    revision: str | None = None

    def __str__(self) -> str:
        return f"{self.id}@{self.revision}" if self.revision else self.id


def named_repository(text: str, revision: str | None = None) -> Repository | None:
    """The repository that a text names; None where it is a path or a word.

    Where a folder here has the organization's name, or it is that of a folder of this project, ``org/name`` is a path,
    and ``hf://org/name`` the repository.
    """
    name, at, own = text.removeprefix(PREFIX).partition("@")
    is_name = _ID.fullmatch(name) and not _FILE.fullmatch(name)
    is_folder = Path(name).parent.is_dir() or name.partition("/")[0] in _FOLDERS
    if not is_name or (not text.startswith(PREFIX) and is_folder):
        if text.startswith(PREFIX):
            raise ValueError(
                f"{text!r} names no repository: it should be {PREFIX}org/name or {PREFIX}org/name@revision"
            )
        return None
    if at and revision not in (None, own):
        raise ValueError(f"{text!r} names a revision, and {revision!r} is another: give one of them")
    chosen = own if at else revision
    if chosen is not None and not _REVISION.fullmatch(chosen):
        raise ValueError(f"{name}: {chosen!r} is no revision: name a branch, a tag or a commit")
    return Repository(name, chosen)


def fetch(repository: Repository, file: str, *, token: str | None = None, cache_dir: str | Path | None = None) -> Path:
    """The folder of a snapshot that holds the file; its name is the commit. What is cached is not loaded again.

    Args:
        repository: Of which revision.
        file: Its name there.
        token: By default that of HF_TOKEN, or of ``hf auth login``.
        cache_dir: By default HF_HUB_CACHE, or the folder hub in HF_HOME.
    """
    from huggingface_hub import hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import LocalEntryNotFoundError

    place: dict[str, Any] = {"revision": repository.revision, "cache_dir": cache_dir}
    with _readable(repository, file):
        found = try_to_load_from_cache(repository.id, file, **place) if is_commit(repository.revision) else None
        if not isinstance(found, str):
            unreachable = _ask(repository, file, token)
            try:
                found = hf_hub_download(
                    repository.id, file, token=token, library_name="cfmrestore",
                    local_files_only=unreachable is not None, **place,
                )  # fmt: skip
            except LocalEntryNotFoundError as error:
                raise error from unreachable or error.__cause__
    return Path(found).parents[file.count("/")]


def is_commit(revision: str | None) -> bool:
    """Whether a revision is the hash of a commit, whose files never change."""
    return re.fullmatch(r"[0-9a-f]{40}", revision or "") is not None


def _ask(repository: Repository, file: str, token: str | None) -> Exception | None:
    """Ask the hub for a file, once; returned is why it does not answer, so that the cache may do.

    The client of the hub asks again for half a minute, and names files of its cache by what it is told.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError

    patience = float(os.environ.get("HF_HUB_ETAG_TIMEOUT") or _PATIENCE)
    address = hf_hub_url(repository.id, file, revision=repository.revision)
    try:
        told = get_hf_file_metadata(address, token=token, timeout=patience, library_name="cfmrestore")
    except HfHubHTTPError as error:
        status = error.response.status_code
        if status < 500 and status != 429:
            raise
        return error
    except Exception as error:  # of each generation of the client and of the network: nothing in common
        return error
    if any(name is not None and not _PLAIN.fullmatch(name) for name in (told.etag, told.commit_hash)):
        raise ValueError(f"its answer would lead out of the cache (ETag {told.etag!r}, commit {told.commit_hash!r})")
    return None


def push(
    folder: Path, files: Sequence[str], repository: Repository, *, private: bool = False, token: str | None = None
) -> str:
    """Push files of a folder in one commit, whose address is returned; a repository is made where there is none.

    Args:
        folder: Where the files lie.
        files: Their names, no patterns.
        repository: Its revision is a branch, which is made too.
        private: Make a private one; one that others can see already is refused.
        token: As for ``fetch``, with the right to write.
    """
    from huggingface_hub import HfApi

    api = HfApi(token=token, library_name="cfmrestore")
    with _readable(repository):
        api.create_repo(repository.id, private=private or None, exist_ok=True)
        is_open = private and not api.repo_info(repository.id).private
    if is_open:
        raise ValueError(f"{repository.id} is there and not private: nothing was pushed")
    with _readable(repository):
        if repository.revision:
            api.create_branch(repository.id, branch=repository.revision, exist_ok=True)
        commit = api.upload_folder(
            repo_id=repository.id, folder_path=folder, revision=repository.revision, allow_patterns=list(files),
            commit_message="Publish a model of cfmrestore",
        )  # fmt: skip
    return str(commit.commit_url)


@contextmanager
def _readable(repository: Repository, file: str | None = None) -> Iterator[None]:
    """One message for what fails between here and the hub."""
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    try:
        yield
    except Exception as error:  # of the hub, of each generation of its client and of the network: nothing in common
        is_missing = isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError)
        kind = MissingFileError if is_missing else ValueError
        raise kind(f"{repository}: {_reason(error, repository, file)}") from error


def _reason(error: Exception, repository: Repository, file: str | None) -> str:
    """What went wrong, and the mend."""
    from huggingface_hub import constants, errors

    hub, status = constants.ENDPOINT, getattr(getattr(error, "response", None), "status_code", None)
    right = "read" if file else "write"
    if isinstance(error, errors.GatedRepoError):
        return (
            f"its authors ask who loads it: accept their terms at {hub}/{repository.id}, and give your token (HF_TOKEN)"
        )
    if isinstance(error, errors.RepositoryNotFoundError) and file:
        return (
            f"there is no such path here, and {hub} has no such repository or hides it: check the name; a private one "
            "needs a token that may read it (HF_TOKEN)"
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return "there is no such branch, tag or commit in it: leave the revision out for its newest state"
    if status in (401, 403) or isinstance(error, errors.RepositoryNotFoundError):
        return f"{hub} refuses: it needs a token that may {right} it (HF_TOKEN, or hf auth login)"
    if isinstance(error, errors.OfflineModeIsEnabled) or isinstance(error.__cause__, errors.OfflineModeIsEnabled):
        if not file:
            return "HF_HUB_OFFLINE is set: nothing is pushed without a network"
        missing = f"HF_HUB_OFFLINE is set, and the cache has no {file} of it: load it once with the network"
        return f"there is no such path here; as a repository, {missing}"
    if isinstance(error, errors.LocalEntryNotFoundError):
        why = _line(error.__cause__ or error)
        return (
            f"there is no such path here; as a repository, {hub} does not answer ({why}), and the cache has no {file} "
            "of it"
        )
    if isinstance(error, errors.EntryNotFoundError):
        return f"it holds no {file}"
    if file:
        return f"there is no such path here, and {hub} does not give {file}: {_line(error)}"
    return f"{hub}: {_line(error)}"


def _line(error: object) -> str:
    return " ".join(str(error).split()) or type(error).__name__
