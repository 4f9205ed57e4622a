"""install() stands in front of all that a program does, and touches Kafka's connections alone."""

from __future__ import annotations

import asyncio
import pathlib
import socket
import time
from typing import Any, Iterator, Tuple

import pytest
import uvloop
from conftest import Server

import kafka_emr

NAME = "emr-worker-1.cluster-48742"
LOOPS = pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])


@pytest.fixture
def inside() -> Iterator[Server]:
    """What listens at the private IP, as seen from here: another machine of a LAN that has the same addresses."""
    server = Server("127.10.1.24")
    yield server
    server.close()


@pytest.fixture
def lan(tmp_path: pathlib.Path, server: Server) -> pathlib.Path:
    path = tmp_path / "lan.toml"
    path.write_text(
        f"""
        id = "48742"
        release = "EMR-3.11.0"
        network = "public"
        port = {server.port}
        [[nodes]]
        name = "emr-worker-1"
        private_ip = "127.10.1.24"
        public_ip = "{server.address}"
        aliases = ["broker-1.example"]
        """
    )
    return path


async def peer(host: str, port: int) -> Tuple[str, int]:
    _, writer = await asyncio.open_connection(host, port)
    found: Tuple[str, int] = writer.get_extra_info("peername")
    writer.close()
    await writer.wait_closed()
    return found


def run(new_loop: Any, main: Any) -> Any:
    loop = new_loop()
    try:
        return loop.run_until_complete(asyncio.wait_for(main, 20))
    finally:
        loop.close()


@LOOPS
def test_a_private_ip_leads_to_its_eip_at_kafkas_port_alone(
    new_loop: Any, lan: pathlib.Path, server: Server, inside: Server
) -> None:
    with kafka_emr.install(lan):
        for address, expected in (
            (("127.10.1.24", server.port), (server.address, server.port)),
            (("127.10.1.24", inside.port), ("127.10.1.24", inside.port)),
        ):
            with socket.create_connection(address, timeout=10) as sock:
                assert sock.getpeername() == expected
            with socket.socket() as sock:
                assert sock.connect_ex(address) == 0 and sock.getpeername() == expected
            assert run(new_loop, peer(*address)) == expected


def test_udp_is_left_alone(lan: pathlib.Path, server: Server) -> None:
    with kafka_emr.install(lan), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("127.10.1.24", server.port))
        assert sock.getpeername() == ("127.10.1.24", server.port)


@LOOPS
def test_addresses_are_looked_up_as_they_are(new_loop: Any, lan: pathlib.Path, server: Server) -> None:
    async def on_loop() -> Any:
        return await asyncio.get_running_loop().getaddrinfo("127.10.1.24", server.port, type=socket.SOCK_STREAM)

    with kafka_emr.install(lan):
        found = socket.getaddrinfo("127.10.1.24", server.port, type=socket.SOCK_STREAM)
        assert [entry[4] for entry in found] == [("127.10.1.24", server.port)]
        assert [entry[4] for entry in run(new_loop, on_loop())] == [("127.10.1.24", server.port)]


@LOOPS
def test_short_names_are_another_clusters_as_well(new_loop: Any, lan: pathlib.Path, server: Server) -> None:
    with kafka_emr.install(lan):
        assert run(new_loop, peer(NAME, server.port)) == (server.address, server.port)
        assert run(new_loop, peer("broker-1.example", server.port)) == (server.address, server.port)
        with pytest.raises(socket.gaierror):
            socket.getaddrinfo("emr-worker-1", server.port)
        with pytest.raises(socket.gaierror):
            run(new_loop, peer("emr-worker-1", server.port))
        with socket.socket() as sock, pytest.raises(socket.gaierror):
            sock.connect(("emr-worker-1", server.port))
    # A client of Kafka's alone has them.
    assert kafka_emr.Resolver(lan).resolve("emr-worker-1", server.port) == [(server.address, server.port)]


def test_short_names_of_a_hosts_text_are_the_users(tmp_path: pathlib.Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text(f"127.20.1.24 {NAME} emr-worker-1\n10.20.1.30 registry\n")
    with kafka_emr.install(hosts):
        assert socket.getaddrinfo("emr-worker-1", 1)[0][4] == ("127.20.1.24", 1)
        assert socket.getaddrinfo("registry", 1)[0][4] == ("10.20.1.30", 1)


@LOOPS
def test_a_tunnel_is_for_kafkas_port_alone(new_loop: Any, tmp_path: pathlib.Path, server: Server, inside: Server) -> None:
    path = tmp_path / "tunnel.toml"
    path.write_text(
        f"""
        id = "48742"
        release = "EMR-3.11.0"
        [[nodes]]
        name = "emr-worker-1"
        private_ip = "127.10.1.24"
        connect = "{server.address}:{server.port}"
        """
    )
    with kafka_emr.install(path):
        for host in (NAME, "127.10.1.24"):
            assert run(new_loop, peer(host, 9092)) == (server.address, server.port)
            assert run(new_loop, peer(host, inside.port)) == ("127.10.1.24", inside.port)
            with socket.create_connection((host, 9092), timeout=10) as sock:
                assert sock.getpeername() == (server.address, server.port)
            with socket.create_connection((host, inside.port), timeout=10) as sock:
                assert sock.getpeername() == ("127.10.1.24", inside.port)
        # A program that puts the port in by itself.
        with socket.socket() as sock:
            sock.connect((socket.getaddrinfo(NAME, None)[0][4][0], 9092))
            assert sock.getpeername() == (server.address, server.port)


def test_foreign_names_cost_nothing(lan: pathlib.Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody looks whether the file has changed, until a name is asked for that may be the cluster's."""
    with kafka_emr.install(lan):
        lan.unlink()
        # It would be looked at once a second.
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            socket.getaddrinfo("localhost", 1)
            socket.getaddrinfo("127.0.0.1", 1)
        assert not caplog.records
        end = time.monotonic() + 10
        while str(lan) not in caplog.text:
            assert time.monotonic() < end, "it is not looked at"
            assert socket.getaddrinfo(NAME, 1)
