"""A small Hugging Face hub on the loopback interface: as much of its HTTP interface as reading data sets and models takes.

Started as a program it serves the folder given, and prints its address:

    <root>/<org>/<name>/<revision>/<files of the repository>

where `<revision>` is `main` or a branch with `/` written as `__` (`refs__convert__parquet`). A file `GATED` in
`<root>/<org>/<name>` makes the repository gated.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

API = re.compile(
    r"^/api/(?:datasets|models)/([^/]+/[^/]+)(?:/(revision|tree|paths-info|auth-check)(?:/([^/]+))?(?:/(.*))?)?$"
)
RESOLVE = re.compile(r"^/(?:datasets/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)$")


@contextmanager
def serve(root: Path) -> Iterator[HubServer]:
    """A running server; its `url` goes into HF_ENDPOINT, its `requests` are what was asked."""
    server = HubServer(root)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class HubServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, root: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root = root
        self.requests: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


def commit_of(folder: Path) -> str:
    """A made-up commit: 40 hex digits that change with the branch's content."""
    digest = hashlib.sha1(folder.name.encode())
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


class _Handler(BaseHTTPRequestHandler):
    server: HubServer
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._answer()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — the base class's name
        pass

    def _answer(self) -> None:
        path = urlsplit(self.path).path
        self.server.requests.append(f"{self.command} {unquote(path)}")
        if match := API.match(path):
            repo, verb, revision, rest = match.groups()
            self._api(repo, verb, unquote(revision or "main"), unquote(rest or ""))
        elif match := RESOLVE.match(path):
            repo, revision, name = match.groups()
            self._resolve(repo, unquote(revision), unquote(name))
        else:
            self._fail(404, "EntryNotFound")

    def _api(self, repo: str, verb: str | None, revision: str, rest: str) -> None:
        folder = self.server.root / repo
        if not folder.is_dir():
            return self._fail(401, "")
        if verb == "auth-check":
            return self._fail(401, "GatedRepo") if self._gated(folder) else self._json({})
        branch = self._branch(folder, revision)
        if branch is None:
            return self._fail(404, "RevisionNotFound")
        files = sorted(path for path in branch.rglob("*") if path.is_file())
        if verb == "tree":
            return self._tree(branch, files, rest)
        if verb == "paths-info":
            wanted = self._wanted_paths()
            return self._json([e for e in self._entries(branch, files) if e["path"] in wanted])
        return self._json(
            {
                "_id": "0" * 24,
                "id": repo,
                "sha": commit_of(branch),
                "private": False,
                "gated": "manual" if (folder / "GATED").exists() else False,
                "disabled": False,
                "tags": [],
                "downloads": 0,
                "likes": 0,
                "lastModified": "2024-01-01T00:00:00.000Z",
                "siblings": [{"rfilename": path.relative_to(branch).as_posix()} for path in files],
            }
        )

    def _tree(self, branch: Path, files: list[Path], rest: str) -> None:
        entries = self._entries(branch, files)
        below = [e for e in entries if not rest or str(e["path"]).startswith(f"{rest}/")]
        if rest and not below:
            return self._fail(404, "EntryNotFound")
        if "recursive=true" not in urlsplit(self.path).query.lower():
            depth = rest.count("/") + (2 if rest else 1)
            below = [e for e in below if str(e["path"]).count("/") == depth - 1]
        return self._json(below)

    def _entries(self, branch: Path, files: list[Path]) -> list[dict[str, object]]:
        folders = sorted({parent for path in files for parent in path.parents if branch in parent.parents})
        entries: list[dict[str, object]] = [
            {"type": "directory", "oid": "0" * 40, "size": 0, "path": path.relative_to(branch).as_posix()}
            for path in folders
        ]
        for path in files:
            oid = hashlib.sha1(path.read_bytes()).hexdigest()
            name = path.relative_to(branch).as_posix()
            entries.append({"type": "file", "oid": oid, "size": path.stat().st_size, "path": name})
        return entries

    def _wanted_paths(self) -> set[str]:
        from urllib.parse import parse_qs

        body = self._body.decode()
        if body.startswith("{"):
            return set(json.loads(body)["paths"])
        return set(parse_qs(body).get("paths", []))

    def _resolve(self, repo: str, revision: str, name: str) -> None:
        folder = self.server.root / repo
        if not folder.is_dir():
            return self._fail(401, "")
        if self._gated(folder):
            return self._fail(401, "GatedRepo")
        branch = self._branch(folder, revision)
        if branch is None:
            return self._fail(404, "RevisionNotFound")
        path = branch / name
        if not path.is_file():
            return self._fail(404, "EntryNotFound", commit_of(branch))
        content = path.read_bytes()
        etag = hashlib.sha1(content).hexdigest()
        headers = {"ETag": f'"{etag}"', "X-Repo-Commit": commit_of(branch), "Accept-Ranges": "bytes"}
        if part := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or ""):
            start, end = int(part[1]), int(part[2] or len(content) - 1)
            headers["Content-Range"] = f"bytes {start}-{min(end, len(content) - 1)}/{len(content)}"
            return self._send(206, content[start : end + 1], "application/octet-stream", headers)
        return self._send(200, content, "application/octet-stream", headers)

    def _branch(self, folder: Path, revision: str) -> Path | None:
        for branch in sorted(path for path in folder.iterdir() if path.is_dir()):
            if revision in (branch.name.replace("__", "/"), commit_of(branch)):
                return branch
        return None

    def _gated(self, folder: Path) -> bool:
        return (folder / "GATED").exists() and "Authorization" not in self.headers

    def _json(self, value: object) -> None:
        self._send(200, json.dumps(value).encode(), "application/json", {})

    def _fail(self, status: int, code: str, commit: str = "") -> None:
        headers = {"X-Error-Code": code, "X-Error-Message": code or "Invalid username or password."}
        if commit:
            headers["X-Repo-Commit"] = commit
        self._send(status, json.dumps({"error": code}).encode(), "application/json", headers)

    def _send(self, status: int, body: bytes, kind: str, headers: dict[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
