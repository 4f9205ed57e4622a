"""The library's lines: in Python's logging, else on standard error."""

from __future__ import annotations

import logging
import multiprocessing
import os
import pathlib
import re
import socket
import subprocess
import sys
import threading
from typing import Dict, Iterator, List

import pytest
from conftest import run_python

import kafka_emr

UNKNOWN = "emr-worker-9.cluster-48742"


def ask(name: str) -> None:
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo(name, 9092)


def test_lines_are_records(description: pathlib.Path, caplog: pytest.LogCaptureFixture) -> None:
    with kafka_emr.install(description, strict=True):
        ask(UNKNOWN)
        ask(UNKNOWN)
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("kafka_emr", logging.WARNING)
    assert UNKNOWN in record.getMessage() and "\n" not in record.getMessage()


def test_a_handler_may_do_anything(description: pathlib.Path, collected: Collect) -> None:
    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            assert socket.getaddrinfo("emr-worker-1.cluster-48742", 1)[0][4] == ("127.20.1.24", 1)
            ask("emr-worker-8.cluster-48742")
            with kafka_emr.install("emr://48743?release=3.9&emr-worker-1=10.0.1.24"):
                pass

    logger, handler = logging.getLogger("kafka_emr"), Handler()
    logger.addHandler(handler)
    try:
        with kafka_emr.install(description, strict=True):
            ask(UNKNOWN)
    finally:
        logger.removeHandler(handler)
    first, second = collected.seen
    assert UNKNOWN in first and "emr-worker-8" in second


@pytest.mark.parametrize(
    ("setup", "level", "expected"),
    [
        ("", "", f"kafka-emr: warn: .*{UNKNOWN}.*\n"),
        ("", "off", ""),
        ("logging.basicConfig(format='%(levelname)s:%(name)s:%(message)s')", "", f"WARNING:kafka_emr:.*{UNKNOWN}.*\n"),
        ("logging.basicConfig(level=logging.ERROR)", "", ""),
        ("os.close(2)", "", ""),
    ],
)
def test_where_lines_go(setup: str, level: str, expected: str, description: pathlib.Path) -> None:
    code = f"""
import logging, os, socket, sys
import kafka_emr
{setup}
kafka_emr.install(sys.argv[1], strict=True)
try:
    socket.getaddrinfo("{UNKNOWN}", 1)
except socket.gaierror:
    pass
"""
    environment = {**os.environ, "KAFKA_EMR_LOG": level}
    command = [sys.executable, "-c", code, str(description)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(expected, done.stderr), done.stderr


class Collect(logging.Handler):
    """Keeps messages, with no stream: the lock of a stream that another thread holds at a fork is held for ever."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: List[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(record.getMessage())


@pytest.fixture
def collected() -> Iterator[Collect]:
    logger, collect = logging.getLogger("kafka_emr"), Collect()
    logger.addHandler(collect)
    logger.propagate = False
    yield collect
    logger.propagate = True
    logger.removeHandler(collect)


def test_forked_while_others_log(description: pathlib.Path, collected: Collect) -> None:
    stop = threading.Event()

    def ask_anew() -> None:
        with kafka_emr.install(str(description), strict=True):
            ask(UNKNOWN)

    def busy() -> None:
        while not stop.is_set():
            ask_anew()

    def child() -> None:
        collected.seen.clear()
        ask_anew()
        assert UNKNOWN in collected.seen[0]

    threads = [threading.Thread(target=busy) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        workers = [multiprocessing.get_context("fork").Process(target=child) for _ in range(20)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(30)
        assert [worker.exitcode for worker in workers] == [0] * 20
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_gevent_may_let_others_run_meanwhile(description: pathlib.Path) -> None:
    run_python(
        f"""
from gevent import monkey; monkey.patch_all()
import gevent, logging, socket, sys
import kafka_emr

seen = []
class Handler(logging.Handler):
    def emit(self, record):
        gevent.sleep(0)
        seen.append(record.getMessage())
logging.getLogger("kafka_emr").addHandler(Handler())

def use(n):
    with kafka_emr.install(sys.argv[1], strict=True):
        try:
            socket.getaddrinfo(f"emr-worker-{{n}}.cluster-48742", 1)
        except socket.gaierror:
            return
    raise AssertionError(n)

gevent.joinall([gevent.spawn(use, n) for n in range(10, 60)], raise_error=True)
assert all(any(f"emr-worker-{{n}}." in line for line in seen) for n in range(10, 60)), seen
""",
        description,
    )


# A client whose threads look for a broker that the description does not know.
CLIENT = f"""
import logging, os, sys, threading, time
import confluent_kafka
import kafka_emr

def client(source):
    properties = {{"bootstrap.servers": "{UNKNOWN}:9092", "reconnect.backoff.ms": 1, "reconnect.backoff.max.ms": 1}}
    return confluent_kafka.Producer({{**kafka_emr.config(source, strict=True), **properties}}, logger=logging.getLogger("client"))
"""


def test_threads_of_librdkafka(description: pathlib.Path) -> None:
    run_python(
        CLIENT
        + f"""
seen = threading.Event()
class Handler(logging.Handler):
    def emit(self, record):
        if "{UNKNOWN}" in record.getMessage() and threading.current_thread() is not threading.main_thread():
            seen.set()
logging.getLogger("kafka_emr").addHandler(Handler())
producer = client(sys.argv[1])
assert seen.wait(30)
""",
        description,
    )


def test_the_end_of_the_interpreter(description: pathlib.Path) -> None:
    """Clients are alive, and their threads have something to log, when the interpreter ends."""
    code = (
        CLIENT
        + """
kept = [client(sys.argv[1]) for _ in range(20)]
# Not before their threads run.
end = time.monotonic() + 0.2
while time.monotonic() < end:
    pass
"""
    )
    environment: Dict[str, str] = {**os.environ, "KAFKA_EMR_LOG": "debug"}
    for _ in range(5):
        command = [sys.executable, "-c", code, str(description)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
        assert done.returncode == 0, done.stderr[-2000:]


def test_at_exit_lines_go_past_the_interpreter(description: pathlib.Path) -> None:
    code = f"""
import atexit, logging, socket, sys

# What is registered before kafka_emr is called after it.
@atexit.register
def ask():
    try:
        resolver.resolve("{UNKNOWN}", 1)
    except socket.gaierror:
        pass

import kafka_emr
logging.basicConfig(stream=sys.stdout)
resolver = kafka_emr.Resolver(sys.argv[1], strict=True)
"""
    command = [sys.executable, "-c", code, str(description)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")
    assert re.fullmatch(f"kafka-emr: warn: .*{UNKNOWN}.*\n", done.stderr), done.stderr
