"""A model hub on the loopback interface: repositories in memory, behind the addresses that huggingface_hub asks."""

import base64
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from unittest import mock
from urllib.parse import unquote, urlsplit

from huggingface_hub import constants

READ, WRITE = "token-that-reads", "token-that-writes"
Files = dict[str, bytes]


@dataclass
class HubRepository:
    """Commits by their hash, and branches that point at them."""

    private: bool = False
    gated: bool = False
    commits: dict[str, Files] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)

    def commit(self, files: Files, branch: str = "main") -> str:
        """Add files on top of a branch; the commit's hash."""
        whole = {**self.at(branch), **files}
        text = json.dumps([len(self.commits), sorted((k, hashlib.sha256(v).hexdigest()) for k, v in whole.items())])
        commit = hashlib.sha1(text.encode()).hexdigest()
        self.commits[commit], self.branches[branch] = whole, commit
        return commit

    def at(self, revision: str) -> Files:
        return self.commits.get(self.branches.get(revision, revision), {})


class HubServer(ThreadingHTTPServer):
    """The hub; a test changes what it holds, and reads what was asked of it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), HubHandler)
        self.repositories: dict[str, HubRepository] = {}
        self.blobs: Files = {}
        self.asked: list[str] = []
        self.headers: dict[str, str] = {}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def add(self, name: str, folder: Path, **keys: Any) -> HubRepository:
        """A repository with the files of a folder."""
        self.repositories[name] = repository = HubRepository(**keys)
        repository.commit({one.name: one.read_bytes() for one in folder.iterdir()})
        return repository


@contextmanager
def serve(home: Path) -> Iterator[HubServer]:
    """A hub that this process's huggingface_hub asks, with a cache in a folder and without a token."""
    server = HubServer()
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    changed = {
        "ENDPOINT": server.address,
        "HUGGINGFACE_CO_URL_TEMPLATE": server.address + "/{repo_id}/resolve/{revision}/{filename}",
        "HF_HUB_CACHE": str(home / "hub"),
        "HF_TOKEN_PATH": str(home / "token"),
        "HF_HUB_OFFLINE": False,
        "HF_HUB_DISABLE_XET": True,
        "HF_HUB_DISABLE_PROGRESS_BARS": True,
        "HF_HUB_DISABLE_TELEMETRY": True,
    }
    try:
        with mock.patch.multiple(constants, **changed), mock.patch.dict(os.environ):
            os.environ.pop("HF_TOKEN", None)
            yield server
    finally:
        server.shutdown()
        server.server_close()


class HubHandler(BaseHTTPRequestHandler):
    """One request a connection, so that a server that is shut down answers none."""

    server: HubServer

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""

    def parse_request(self) -> bool:
        ok = super().parse_request()
        if ok:
            self.server.asked.append(f"{self.command} {unquote(urlsplit(self.path).path)}")
        return ok

    def do_HEAD(self) -> None:
        self.get()

    def do_GET(self) -> None:
        self.get()

    def do_POST(self) -> None:
        parts = [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if parts == ["api", "validate-yaml"]:
            return self.say(200, {"errors": [], "warnings": []})
        if self.token() != WRITE:
            return self.refuse(403 if self.token() == READ else 401, "", "not allowed")
        if parts == ["api", "repos", "create"]:
            return self.create(json.loads(body))
        if parts[1].endswith(".git"):  # objects of LFS
            return self.say(
                200, {"transfer": "basic", "objects": [self.upload(one) for one in json.loads(body)["objects"]]}
            )
        repository, (action, revision) = self.server.repositories["/".join(parts[2:4])], parts[4:6]
        if action == "branch":
            if revision in repository.branches:
                return self.refuse(409, "", "there already")
            repository.branches[revision] = repository.branches["main"]
            return self.say(200, {})
        if action == "preupload":
            files = [one["path"] for one in json.loads(body)["files"]]
            modes = {one: "lfs" if one.endswith(".safetensors") else "regular" for one in files}
            return self.say(
                200, {"files": [{"path": k, "uploadMode": v, "shouldIgnore": False} for k, v in modes.items()]}
            )
        commit = repository.commit(self.committed(body), revision)
        address = f"{self.server.address}/{'/'.join(parts[2:4])}/commit/{commit}"
        return self.say(200, {"commitUrl": address, "commitOid": commit})

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.blobs[self.path.rpartition("/")[2]] = body
        self.say(200, {})

    def get(self) -> None:
        """A file of a repository, or what is said of it."""
        parts = [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]
        is_file = len(parts) > 4 and parts[2] == "resolve"
        name = "/".join(parts[:2] if is_file else parts[2:4])
        repository = self.server.repositories.get(name)
        if self.token() not in (None, READ, WRITE):
            return self.refuse(401, "", "Invalid credentials in Authorization header")
        if repository is None or (repository.private and self.token() is None):
            return self.refuse(401 if self.token() is None else 404, "RepoNotFound", "Repository not found")
        if repository.gated and self.token() is None and is_file:
            return self.refuse(401, "GatedRepo", f"Access to model {name} is restricted.")
        if not is_file:
            return self.say(200, {"id": name, "private": repository.private, "sha": repository.branches.get("main")})
        revision, file = parts[3], "/".join(parts[4:])
        commit = repository.branches.get(revision, revision)
        if commit not in repository.commits:
            return self.refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        headers = {"X-Repo-Commit": commit}
        data = repository.commits[commit].get(file)
        if data is None:
            return self.refuse(404, "EntryNotFound", "Entry not found", headers)
        headers |= {"ETag": f'"{hashlib.sha256(data).hexdigest()}"', **self.server.headers}
        return self.answer(200, data, headers)

    def token(self) -> str | None:
        text = self.headers.get("Authorization")
        return text and text.removeprefix("Bearer ")

    def create(self, asked: dict[str, Any]) -> None:
        name = f"{asked['organization']}/{asked['name']}"
        if name in self.server.repositories:
            return self.say(
                409, {"error": "You already created this model repo", "url": f"{self.server.address}/{name}"}
            )
        repository = HubRepository(private=asked.get("visibility") == "private" or asked.get("private") is True)
        repository.commit({".gitattributes": b"*.safetensors filter=lfs"})
        self.server.repositories[name] = repository
        return self.say(200, {"url": f"{self.server.address}/{name}", "name": name})

    def upload(self, asked: dict[str, Any]) -> dict[str, Any]:
        actions = {"upload": {"href": f"{self.server.address}/lfs/{asked['oid']}"}}
        return {"oid": asked["oid"], "size": asked["size"], "actions": actions}

    def committed(self, body: bytes) -> Files:
        """The files of a commit, as its lines tell."""
        files = {}
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                data = self.server.blobs[value["oid"]]
                assert hashlib.sha256(data).hexdigest() == value["oid"]
                files[value["path"]] = data
        return files

    def say(self, status: int, value: Any) -> None:
        self.answer(status, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def refuse(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        own = {"X-Error-Message": message, **({"X-Error-Code": code} if code else {}), **(headers or {})}
        self.answer(status, json.dumps({"error": message}).encode(), {**own, "Content-Type": "application/json"})

    def answer(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in {"Content-Length": str(len(data)), **headers}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
