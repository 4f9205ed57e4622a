"""gevent, and processes that are forked and spawned."""

from __future__ import annotations

import multiprocessing
import os
import pathlib
import socket
import threading
from concurrent.futures import ProcessPoolExecutor

import pytest
from conftest import Server, run_python

import kafka_emr

NAME = "emr-worker-1.cluster-48742"


@pytest.mark.parametrize("patched", ["first", "between", "last"])
def test_gevent(patched: str, description: pathlib.Path, server: Server) -> None:
    run_python(
        f"""
import sys
source, port, patched = sys.argv[1:]
if patched == "first":
    from gevent import monkey
    monkey.patch_all()
import kafka_emr
if patched == "between":
    from gevent import monkey
    monkey.patch_all()
installed = kafka_emr.install(source)
if patched == "last":
    from gevent import monkey
    monkey.patch_all()

import gevent, gevent.socket, socket, zope.event
assert issubclass(socket.socket, gevent.socket.socket)

def greeted(host):
    with socket.create_connection((host, int(port)), timeout=10) as sock:
        sock.sendall(b"hello")
        assert sock.recv(5) == b"hello"
    with socket.socket() as sock:
        sock.connect((host, int(port)))
    with socket.socket() as sock:
        assert sock.connect_ex((host, int(port))) == 0

for host in ("{NAME}", "10.0.1.24", "127.20.1.24"):
    gevent.spawn(greeted, host).get()
with kafka_emr.install("emr://48743?release=3.9&emr-worker-1=127.20.1.24"):
    gevent.spawn(greeted, "emr-worker-1.cluster-48743").get()
    gevent.spawn(greeted, "{NAME}").get()
installed.undo()
try:
    greeted("{NAME}")
except socket.gaierror:
    pass
else:
    raise AssertionError("it is not undone")
assert socket.getaddrinfo is gevent.socket.getaddrinfo
assert "connect" not in vars(socket.socket) and "connect_ex" not in vars(socket.socket)
assert not zope.event.subscribers
""",
        description,
        server.port,
        patched,
    )


def connects(port: int) -> None:
    with socket.create_connection((NAME, port), timeout=10) as sock:
        sock.sendall(b"hello")
        assert sock.recv(5) == b"hello"


def test_forked_workers(description: pathlib.Path, server: Server) -> None:
    """As gunicorn does it: the application is loaded once, and its workers are forked, while its threads go on."""
    stop = threading.Event()

    def busy() -> None:
        while not stop.is_set():
            socket.getaddrinfo(NAME, 1)
            with kafka_emr.install("emr://48743?release=3.9&emr-worker-1=127.20.2.24"):
                pass

    with kafka_emr.install(description):
        threads = [threading.Thread(target=busy) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            workers = [multiprocessing.get_context("fork").Process(target=_worker, args=(server.port,)) for _ in range(20)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join(30)
            assert [worker.exitcode for worker in workers] == [0] * 20
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        connects(server.port)


def _worker(port: int) -> None:
    connects(port)
    with kafka_emr.install("emr://48744?release=3.9&emr-worker-1=127.20.1.24"):
        assert socket.getaddrinfo("emr-worker-1.cluster-48744", 1)[0][4][0] == "127.20.1.24"
    connects(port)


def test_forked_workers_follow_the_file(description: pathlib.Path, server: Server) -> None:
    text = description.read_text()
    description.write_text(text.replace("127.20.1.24", "127.20.9.9"))
    with kafka_emr.install(description):
        ready, go = multiprocessing.Pipe()
        worker = multiprocessing.get_context("fork").Process(target=_waits, args=(go, server.port))
        worker.start()
        changed = description.with_suffix(".new")
        changed.write_text(text)
        os.replace(changed, description)
        ready.send("changed")
        worker.join(30)
        assert worker.exitcode == 0


def _waits(go, port: int) -> None:  # type: ignore[no-untyped-def]
    assert go.recv() == "changed"
    # The file is looked at once a second.
    while socket.getaddrinfo(NAME, port)[0][4][0] != "127.20.1.24":
        pass
    connects(port)


def test_spawned_processes_install_it_themselves(description: pathlib.Path, server: Server) -> None:
    spawn = multiprocessing.get_context("spawn")
    with kafka_emr.install(description):
        with ProcessPoolExecutor(1, spawn) as pool, pytest.raises(socket.gaierror):
            pool.submit(connects, server.port).result(60)
        with ProcessPoolExecutor(1, spawn, kafka_emr.install, (str(description),)) as pool:
            pool.submit(connects, server.port).result(60)
