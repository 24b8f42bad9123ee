"""The smallest faithful server of the Hub's endpoints, on loopback, with its state in memory.

It speaks what ``huggingface_hub``'s client speaks for repositories of models and datasets: create, branch, preupload,
LFS batch with upload and verification, commit, info, tree, refs, resolve with ranges. Large files are redirected to
another host name, as the Hub redirects to its storage, so that the client must not send its token there. Refusals
carry the status and headers that the client reads. What the Hub has besides (Xet, pull requests, spaces, collections)
it has not.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

TOKEN, STRANGER = "hf_of_somebody", "hf_of_nobody_else"
USER = "somebody"

_BINARY = re.compile(r"\.(safetensors|onnx|parquet|bin)\Z")  # what the Hub's .gitattributes give to LFS
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")
_REPO = r"(?P<id>[\w.-]+/[\w.-]+)"
_WHAT = r"(?:/(?P<what>[a-z-]+)(?:/(?P<rev>[^/]+)(?:/(?P<path>.+))?)?)?"
_API = re.compile(rf"/api/(?P<kind>model|dataset)s/{_REPO}{_WHAT}\Z")
_RESOLVE = re.compile(rf"/(?P<kind>datasets/)?{_REPO}/resolve/(?P<rev>[^/]+)/(?P<path>.+)\Z")
_BATCH = re.compile(rf"/(?P<kind>datasets/)?{_REPO}\.git/info/lfs/objects/batch\Z")
_STORED = re.compile(r"/(?P<what>lfs|storage)/(?P<oid>[0-9a-f]{64})\Z")


@dataclass
class Repo:
    """A repository: commits, each a whole tree of files, and branches."""

    owner: str
    private: bool = False
    gated: bool = False
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)

    def commit(self, branch: str, files: dict[str, bytes], message: str) -> str:
        tree = "".join(f"{name} {hashlib.sha256(files[name]).hexdigest()}\n" for name in sorted(files))
        sha = hashlib.sha1(f"{self.branches.get(branch)} {len(self.commits)}\n{tree}".encode()).hexdigest()
        self.commits[sha] = files
        self.branches[branch] = sha
        self.messages.append(message)
        return sha


@dataclass
class Hub:
    """The server's state, and what tests may do to it.

    Attributes:
        url: where it listens; ``HF_ENDPOINT`` for the client.
        users: by their tokens.
        repos: by kind (``model`` or ``dataset``) and id.
        storage: uploaded large files by sha256.
        requests: method, path and ``Range`` header of every request so far.
        cuts: files whose next transfers break off, by sha256: after how many bytes, transfer by transfer.
        leaked: whether a token was sent to the storage host.
    """

    url: str = ""
    users: dict[str, str] = field(default_factory=dict)
    repos: dict[tuple[str, str], Repo] = field(default_factory=dict)
    storage: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)
    cuts: dict[str, list[int]] = field(default_factory=dict)
    leaked: bool = False

    def fetched(self, name: str) -> list[str | None]:
        """The ranges in which a file was fetched, by the end of its path."""
        return [part for method, path, part in self.requests if method == "GET" and path.endswith(name)]


@contextmanager
def serving() -> Iterator[Hub]:
    """A server in a thread of its own, on a free port."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("BoundHandler", (Handler,), {"hub": hub}))
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Refusal(Exception):
    """An answer other than what was asked for."""

    def __init__(self, status: int, code: str | None, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_: Any) -> None:
        """Tests have no use for a log on standard error."""

    def do_HEAD(self) -> None:
        self._serve()

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def _serve(self) -> None:
        split = urlsplit(self.path)
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.query = parse_qs(split.query)
        self.hub.requests.append((self.command, split.path, self.headers.get("Range")))
        try:
            self._route(split.path)
        except Refusal as refusal:
            headers = {"X-Error-Message": str(refusal)} | ({"X-Error-Code": refusal.code} if refusal.code else {})
            self._send(refusal.status, json.dumps({"error": str(refusal)}).encode(), headers)

    def _route(self, path: str) -> None:
        if found := _STORED.match(path):
            return self._store(found["what"], found["oid"])
        if path == "/lfs/verify":
            wanted = json.loads(self.body)
            if len(self.hub.storage.get(wanted["oid"], b"")) != wanted["size"]:
                raise Refusal(404, None, "the object was not uploaded")
            return self._json({})
        user = self._user()
        if path == "/api/whoami-v2":
            if user is None:
                raise Refusal(401, None, "Invalid username or password.")
            return self._json({"type": "user", "name": user, "orgs": []})
        if path == "/api/repos/create":
            return self._create(user)
        if path == "/api/validate-yaml":
            return self._validate()
        if found := _RESOLVE.match(path):
            return self._resolve(*self._repo(found, user), unquote(found["rev"]), unquote(found["path"]))
        if found := _BATCH.match(path):
            return self._batch(*self._repo(found, user, write=True))
        if found := _API.match(path):
            return self._api(found, user)
        raise Refusal(404, None, f"no such page: {path}")

    # Who may see what

    def _user(self) -> str | None:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if not token:
            return None
        if token not in self.hub.users:
            raise Refusal(401, None, "Invalid credentials in Authorization header")
        return self.hub.users[token]

    def _repo(self, found: re.Match[str], user: str | None, *, write: bool = False) -> tuple[str, Repo]:
        kind = (found["kind"] or "model").removesuffix("s/")
        repo = self.hub.repos.get((kind, found["id"]))
        if repo is None or (repo.private and user != repo.owner):
            raise Refusal(404 if user else 401, "RepoNotFound", "Repository not found")
        if repo.gated and user != repo.owner and found.re is _RESOLVE:
            raise Refusal(403 if user else 401, "GatedRepo", "Access to it is restricted.")
        if write and user != repo.owner:
            raise Refusal(403 if user else 401, None, "You don't have write access to this repository")
        return found["id"], repo

    @staticmethod
    def _tree(repo: Repo, revision: str) -> tuple[str, dict[str, bytes]]:
        sha = revision if _COMMIT.match(revision) else repo.branches.get(revision, "")
        if sha not in repo.commits:
            raise Refusal(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return sha, repo.commits[sha]

    # Repositories

    def _create(self, user: str | None) -> None:
        wanted = json.loads(self.body)
        kind, owner = wanted.get("type") or "model", wanted.get("organization") or user
        if user is None:
            raise Refusal(401, None, "Invalid username or password.")
        if owner != user:
            raise Refusal(403, None, f'You don\'t have the rights to create a {kind} under the namespace "{owner}"')
        name = f"{owner}/{wanted['name']}"
        url = f"{self.hub.url}/{'datasets/' if kind == 'dataset' else ''}{name}"
        if (kind, name) in self.hub.repos:
            message = f"You already created this {kind} repo"
            self._json({"error": message, "url": url}, 409, {"X-Error-Message": message})
            return
        repo = self.hub.repos[kind, name] = Repo(owner, private=wanted.get("visibility") == "private")
        repo.commit("main", {".gitattributes": b"*.safetensors filter=lfs\n"}, "initial commit")
        self._json({"url": url, "name": name})

    def _validate(self) -> None:
        content = json.loads(self.body)["content"]
        front = re.match(r"---\n(.*?)\n---\n", content, re.DOTALL)
        try:
            sound = front is None or isinstance(yaml.safe_load(front[1]), dict)
        except yaml.YAMLError:
            sound = False
        errors = [] if sound else [{"message": "the metadata is not YAML"}]
        self._json({"errors": errors, "warnings": []}, 400 if errors else 200)

    def _api(self, found: re.Match[str], user: str | None) -> None:
        what, revision = found["what"], unquote(found["rev"] or "main")
        name, repo = self._repo(found, user, write=what in ("branch", "preupload", "commit"))
        if what == "branch":
            if revision in repo.branches:
                raise Refusal(409, None, "the branch exists")
            repo.branches[revision] = repo.branches["main"]
            self._json({})
        elif what == "refs":
            branches = [{"name": n, "ref": f"refs/heads/{n}", "targetCommit": sha} for n, sha in repo.branches.items()]
            self._json({"branches": branches, "converts": [], "tags": []})
        elif what == "preupload":
            self._preupload(self._tree(repo, revision)[1])
        elif what == "commit":
            self._commit(name, repo, revision)
        else:
            sha, files = self._tree(repo, revision)
            if what in (None, "revision"):
                siblings = [{"rfilename": path} for path in sorted(files)]
                self._json({"id": name, "sha": sha, "private": repo.private, "gated": False, "siblings": siblings})
            elif what == "tree":
                self._list(files, unquote(found["path"] or ""))
            elif what == "paths-info":
                wanted = set(self._form("paths"))
                self._json([entry for entry in _entries(files) if entry["path"] in wanted])
            else:
                raise Refusal(404, None, f"no such page: {self.path}")

    def _form(self, key: str) -> list[str]:
        if self.headers.get("Content-Type", "").startswith("application/json"):
            return list(json.loads(self.body)[key])
        return parse_qs(self.body.decode()).get(key, [])

    def _list(self, files: dict[str, bytes], below: str) -> None:
        start = f"{below}/" if below else ""
        inside = [entry for entry in _entries(files) if entry["path"].startswith(start)]
        if below and not inside:
            raise Refusal(404, "EntryNotFound", f"{below} does not exist")
        if self.query.get("recursive", ["false"])[0].lower() != "true":
            inside = [entry for entry in inside if "/" not in entry["path"][len(start) :]]
        self._json(inside)

    # Uploads

    def _preupload(self, there: dict[str, bytes]) -> None:
        answers = []
        for file in json.loads(self.body)["files"]:
            path, content = file["path"], there.get(file["path"])
            large = _is_large(path, file["size"])
            known = None  # what is there already: by its content in LFS, by git's id otherwise
            if content is not None:
                known = hashlib.sha256(content).hexdigest() if large else _oid(path, content)
            mode = "lfs" if large else "regular"
            answers.append({"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": known})
        self._json({"files": answers})

    def _batch(self, _name: str, _repo: Repo) -> None:
        objects: list[dict[str, Any]] = []
        for wanted in json.loads(self.body)["objects"]:
            actions = {
                "upload": {"href": f"{self.hub.url}/lfs/{wanted['oid']}"},
                "verify": {"href": f"{self.hub.url}/lfs/verify"},
            }
            objects.append(wanted if wanted["oid"] in self.hub.storage else wanted | {"actions": actions})
        self._json({"transfer": "basic", "objects": objects})

    def _store(self, what: str, oid: str) -> None:
        if what == "lfs" and self.command == "PUT":
            if hashlib.sha256(self.body).hexdigest() != oid:
                raise Refusal(400, None, "the content has another sha256")
            self.hub.storage[oid] = self.body
            self._send(200, b"")
        elif oid in self.hub.storage:
            self.hub.leaked |= "Authorization" in self.headers
            self._content(self.hub.storage[oid], {"ETag": f'"{oid}"'})
        else:
            raise Refusal(404, None, "no such object")

    def _commit(self, name: str, repo: Repo, branch: str) -> None:
        files, message = dict(self._tree(repo, branch)[1]), ""
        for line in self.body.splitlines():
            part = json.loads(line)
            value = part["value"]
            if part["key"] == "header":
                message = value["summary"]
            elif part["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"], validate=True)
            elif part["key"] == "lfsFile":
                if value["oid"] not in self.hub.storage:
                    raise Refusal(400, None, f"{value['path']}: its LFS object was not uploaded")
                files[value["path"]] = self.hub.storage[value["oid"]]
            elif part["key"] == "deletedFile":
                if value["path"] not in files:
                    raise Refusal(404, "EntryNotFound", "A file with this name doesn't exist")
                del files[value["path"]]
            else:
                raise Refusal(400, None, f"unknown operation {part['key']}")
        sha = repo.commit(branch, files, message)
        self._json({"success": True, "commitOid": sha, "commitUrl": f"{self.hub.url}/{name}/commit/{sha}"})

    # Downloads

    def _resolve(self, _name: str, repo: Repo, revision: str, path: str) -> None:
        sha, files = self._tree(repo, revision)
        if path not in files:
            raise Refusal(404, "EntryNotFound", f"{path} does not exist at {sha}")
        content = files[path]
        headers = {"X-Repo-Commit": sha, "ETag": f'"{_oid(path, content)}"'}
        if not _is_large(path, len(content)):
            self._content(content, headers)
            return
        oid = hashlib.sha256(content).hexdigest()
        linked = {"X-Linked-Size": str(len(content)), "X-Linked-Etag": f'"{oid}"'}
        storage = self.hub.url.replace("127.0.0.1", "localhost")
        self._send(302, b"", headers | linked | {"Location": f"{storage}/storage/{oid}"})

    def _content(self, content: bytes, headers: dict[str, str]) -> None:
        """A file, or the part of it that was asked for; broken off, if a test wants that."""
        status, part = 200, content
        if asked := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            first, last = int(asked[1]), int(asked[2] or len(content) - 1)
            if first >= len(content):
                raise Refusal(416, None, "out of range")
            status, part = 206, content[first : last + 1]
            headers = headers | {"Content-Range": f"bytes {first}-{first + len(part) - 1}/{len(content)}"}
        cuts = self.hub.cuts.get(hashlib.sha256(content).hexdigest())
        keep = cuts.pop(0) if cuts and self.command == "GET" else None
        self._send(status, part, headers | {"Accept-Ranges": "bytes"}, keep)

    def _json(self, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(value).encode(), {"Content-Type": "application/json"} | (headers or {}))

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None, keep: int | None = None) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body if keep is None else body[:keep])
        if keep is not None:
            self.close_connection = True


def _is_large(path: str, size: int) -> bool:
    return bool(_BINARY.search(path)) or size > 10_000_000


def _oid(path: str, content: bytes) -> str:
    """The id that git gives a file, or its pointer where it is in LFS."""
    if _is_large(path, len(content)):
        content = _pointer(content)
    return hashlib.sha1(b"blob %d\0%b" % (len(content), content)).hexdigest()


def _pointer(content: bytes) -> bytes:
    oid = hashlib.sha256(content).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n".encode()


def _entries(files: dict[str, bytes]) -> list[dict[str, Any]]:
    """Files and folders of a tree, as the Hub lists them."""
    folders = {"/".join(path.split("/")[:depth]) for path in files for depth in range(1, path.count("/") + 1)}
    entries: list[dict[str, Any]] = [
        {"type": "directory", "path": name, "oid": hashlib.sha1(name.encode()).hexdigest(), "size": 0}
        for name in sorted(folders)
    ]
    for path, content in sorted(files.items()):
        entry: dict[str, Any] = {"type": "file", "path": path, "oid": _oid(path, content), "size": len(content)}
        if _is_large(path, len(content)):
            oid = hashlib.sha256(content).hexdigest()
            entry["lfs"] = {"oid": oid, "size": len(content), "pointerSize": len(_pointer(content))}
        entries.append(entry)
    return entries
