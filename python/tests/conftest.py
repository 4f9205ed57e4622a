"""What the tests share: a description, and a server on an address of its own."""

from __future__ import annotations

import asyncio
import importlib
import pathlib
import socket
import subprocess
import sys
import threading
from typing import Any, Iterator, List

import pytest
import uvloop

from kafka_emr import _library

DESCRIPTION = """\
id = "48742"
release = "EMR-3.11.0"
network = "public"
port = {port}
[[nodes]]
name = "emr-worker-1"
private_ip = "10.0.1.24"
public_ip = "127.20.1.24"
[[nodes]]
name = "emr-worker-2"
private_ip = "10.0.1.25"
public_ip = "127.20.1.25"
"""


class Server:
    """Listens, and answers hello."""

    def __init__(self, address: str, family: int = socket.AF_INET) -> None:
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.bind((address, 0))
        self._socket.listen()
        self.address: str = address
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            client, _ = self._socket.accept()
            with client:
                if client.recv(5) == b"end!!":
                    return
                client.sendall(b"hello")

    def close(self) -> None:
        with socket.socket(self._socket.family, socket.SOCK_STREAM) as last:
            last.settimeout(10)
            last.connect((self.address, self.port))
            last.sendall(b"end!!")
            self._thread.join()
        self._socket.close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server("127.20.1.24")
    yield server
    server.close()


@pytest.fixture
def description(tmp_path: pathlib.Path, server: Server) -> pathlib.Path:
    """A cluster whose first broker is the server."""
    path = tmp_path / "prod.toml"
    path.write_text(DESCRIPTION.format(port=server.port))
    return path


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    """Every test leaves the sockets and the event loops as they were."""
    zope_event = importlib.import_module("zope.event")
    owners = (socket.socket, asyncio.AbstractEventLoop, uvloop.Loop)

    def state() -> object:
        return socket.getaddrinfo, [dict(vars(owner)) for owner in owners], list(zope_event.subscribers)

    before = state()
    yield
    assert state() == before


@pytest.fixture
def lookups() -> Iterator[List[bytes]]:
    """The names that clusters are asked for."""
    asked: List[bytes] = []
    original = _library.Handle.program_lookup

    def program_lookup(self: _library.Handle, host: bytes, *arguments: Any) -> Any:
        asked.append(host)
        return original(self, host, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_library.Handle, "program_lookup", program_lookup)
        yield asked


def run_python(code: str, *arguments: object) -> None:
    """Runs a program of its own, in which warnings are errors, and which must succeed."""
    command = [sys.executable, "-W", "error", "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{code}\nended with {done.returncode}\n{done.stdout}{done.stderr}"
