from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import enum
import inspect
import itertools
import pathlib
import socket
import ssl
import sys
from typing import Any, Callable, Dict, List

import pytest
from conftest import Server

import kafka_emr

NAME = "emr-worker-1.cluster-48742"
OTHER = "emr://48743?release=3.9&emr-worker-1=127.20.2.24"


def greeted(sock: socket.socket) -> bool:
    with sock:
        sock.settimeout(10)
        sock.sendall(b"hello")
        return sock.recv(5) == b"hello"


def test_every_way_to_connect(description: pathlib.Path, server: Server) -> None:
    def connected(method: str, host: str) -> socket.socket:
        sock = socket.socket()
        sock.settimeout(10)
        try:
            assert getattr(sock, method)((host, server.port)) in (None, 0)
        except BaseException:
            sock.close()
            raise
        return sock

    ways: Dict[str, Callable[[str], socket.socket]] = {
        "create_connection": lambda host: socket.create_connection((host, server.port), timeout=10),
        "connect": lambda host: connected("connect", host),
        "connect_ex": lambda host: connected("connect_ex", host),
    }

    for way, connect in ways.items():
        with pytest.raises(OSError):
            connect(NAME)
        with kafka_emr.install(description):
            for host in (NAME, "10.0.1.24", "127.20.1.24"):
                assert greeted(connect(host)), (way, host)


def test_asyncio(description: pathlib.Path, server: Server) -> None:
    async def greeted(host: str) -> bytes:
        reader, writer = await asyncio.wait_for(asyncio.open_connection(host, server.port), 10)
        writer.write(b"hello")
        answer = await reader.readexactly(5)
        writer.close()
        await writer.wait_closed()
        return answer

    async def raw(host: str) -> bytes:
        with socket.socket() as sock:
            sock.setblocking(False)
            loop = asyncio.get_running_loop()
            await asyncio.wait_for(loop.sock_connect(sock, (host, server.port)), 10)
            await loop.sock_sendall(sock, b"hello")
            return await loop.sock_recv(sock, 5)

    with pytest.raises(OSError):
        asyncio.run(greeted(NAME))
    with kafka_emr.install(description):
        # A literal is not looked up by asyncio.
        for host in (NAME, "10.0.1.24", "127.20.1.24"):
            assert asyncio.run(greeted(host)) == b"hello"
            assert asyncio.run(raw(host)) == b"hello"


def test_connect_changes_the_port_and_is_not_mapped_again(server: Server, tmp_path: pathlib.Path) -> None:
    # The tunnel of the first node ends at the private IP of the second, which has a tunnel of its own.
    description = tmp_path / "tunnels.toml"
    description.write_text(
        f"""
        id = "1"
        release = "3.9"
        nodes = [
          {{ name = "emr-worker-1", private_ip = "10.0.1.24", connect = "127.20.1.24:{server.port}" }},
          {{ name = "emr-worker-2", private_ip = "127.20.1.24", connect = "127.20.9.9:1" }},
        ]
        """
    )
    with kafka_emr.install(description):
        for host in ("emr-worker-1.cluster-1", "10.0.1.24"):
            # A program may keep the address and put the port in by itself: it is led on when it connects.
            found = socket.getaddrinfo(host, 9092, type=socket.SOCK_STREAM)
            assert [entry[4] for entry in found] == [("10.0.1.24", 9092)]
            assert greeted(socket.create_connection((host, 9092), timeout=10))
            sock = socket.socket()
            sock.connect((host, 9092))
            assert greeted(sock)

            async def connect() -> None:
                _, writer = await asyncio.open_connection(host, 9092)
                assert writer.get_extra_info("peername") == ("127.20.1.24", server.port)
                writer.close()
                await writer.wait_closed()

            asyncio.run(connect())


def test_tls_keeps_the_name(description: pathlib.Path, server: Server) -> None:
    context = ssl.create_default_context()
    with kafka_emr.install(description):
        with socket.create_connection((NAME, server.port), timeout=10) as sock:
            with context.wrap_socket(sock, server_hostname=NAME, do_handshake_on_connect=False) as wrapped:
                assert wrapped.server_hostname == NAME
        with context.wrap_socket(socket.socket(), server_hostname=NAME, do_handshake_on_connect=False) as wrapped:
            wrapped.settimeout(10)
            wrapped.connect((NAME, server.port))
            assert wrapped.getpeername() == ("127.20.1.24", server.port)


def test_getaddrinfo_has_its_signature_and_its_format(description: pathlib.Path) -> None:
    original = socket.getaddrinfo
    with kafka_emr.install(description):
        patched = socket.getaddrinfo
        assert patched is not original
        assert inspect.signature(patched) == inspect.signature(original)
        assert (patched.__name__, patched.__doc__) == (original.__name__, original.__doc__)
        found = socket.getaddrinfo(host=NAME, port=9093, family=socket.AF_INET, type=0, proto=0, flags=0)
        assert [entry[1] for entry in found] == [socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW]
        entry = found[0]
        assert entry == (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.20.1.24", 9093))
        # Numbers compare equal to their enums, so types are compared as well.
        (like,) = original("127.0.0.1", 9093, type=socket.SOCK_STREAM)
        assert [type(part) for part in entry] == [type(part) for part in like]
        assert isinstance(entry[4][0], str)
        for host in (NAME, NAME.encode(), NAME.upper(), NAME + "."):
            for port in (9093, "9093", b"9093"):
                assert patched(host, port)[0][4] == ("127.20.1.24", 9093)
        assert patched(NAME, None)[0][4] == ("127.20.1.24", 0)
        assert patched(NAME, "http")[0][4] == ("127.20.1.24", 80)
        assert patched(NAME, 1, flags=socket.AI_CANONNAME)[0][3] == NAME
        assert patched(NAME, 1, type=socket.SOCK_DGRAM)[0][1] == socket.SOCK_DGRAM
        with pytest.raises(socket.gaierror):
            patched(NAME, 1, socket.AF_INET6)
        with pytest.raises(socket.gaierror):
            patched(NAME, "no-such-service")
    six = "emr://1?release=3.11&emr-worker-1=fd00::1"
    with kafka_emr.install(six):
        (entry,) = socket.getaddrinfo("emr-worker-1.cluster-1", 1, type=socket.SOCK_STREAM)
        assert entry[0] is socket.AF_INET6 and entry[4] == ("fd00::1", 1, 0, 0)


@pytest.mark.parametrize(
    "arguments",
    [
        ("localhost", 80),
        (b"localhost", "80"),
        (None, 80),
        (None, None),
        ("127.0.0.1", 80, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST),
        ("::1", 80, socket.AF_INET6),
        ("nobody.invalid", 80),
        ("bücher.invalid", 80),
        ("a\0b", 80),
        ("é" * 100, 80),
        (1, 80),
        (1.5, 80),
        (bytearray(b"localhost"), 80),
        ("localhost", 1.5),
        ("localhost", 80, "inet"),
        ("localhost", 80, socket.AF_UNIX),
        (NAME, 1.5),
        (),
        ("localhost",),
        ("localhost", 80, 0, 0, 0, 0, 0),
    ],
)
def test_all_else_is_as_it_was(description, arguments) -> None:  # type: ignore[no-untyped-def]
    def outcome() -> object:
        try:
            return [tuple(entry) for entry in socket.getaddrinfo(*arguments)]
        except Exception as error:
            return type(error), error.args

    before = outcome()
    with kafka_emr.install(description):
        assert outcome() == before


@pytest.mark.parametrize("address", [None, "path", ("127.0.0.1",), ("127.0.0.1", "80"), (1, 2), [NAME, 1], (NAME, -1)])
def test_connect_refuses_what_it_refused(description, address) -> None:  # type: ignore[no-untyped-def]
    def outcome() -> object:
        with socket.socket() as sock:
            try:
                sock.connect(address)
                return None
            except Exception as error:
                return type(error)

    before = outcome()
    with kafka_emr.install(description):
        if address == (NAME, -1):
            assert outcome() in (OverflowError, socket.gaierror)
        else:
            assert outcome() == before


class Port(enum.IntEnum):
    DISCARD = 9


class Text(str):
    pass


PORTS: List[Any] = [9, 0, -1, 2**31, -(2**31), 2**70, -(2**70), True, Port.DISCARD, "9", "-1", "", b"9", Text("9"), "é"]
PORTS += [None, 1.5, bytearray(b"9"), memoryview(b"9"), [9]]
HOSTS: List[Callable[[str], Any]] = [str, str.encode, Text, lambda name: bytearray(name.encode()), lambda name: [name]]


def test_what_is_refused_is_refused_for_a_clusters_name_too(description: pathlib.Path) -> None:
    def outcome(call: Callable[[], object]) -> object:
        try:
            call()
            return None
        except Exception as error:
            return type(error)

    def connect(address: Any) -> None:
        with socket.socket() as sock:
            sock.settimeout(10)
            sock.connect(address)

    with kafka_emr.install(description):
        for host, port in itertools.product(HOSTS, PORTS):
            foreign, own = host("localhost"), host(NAME)
            for call in (
                lambda name: socket.getaddrinfo(name, port),
                lambda name: connect((name, port)),
                lambda name: connect((name, port, 1)),
            ):
                expected = outcome(lambda: call(foreign))
                assert outcome(lambda: call(own)) == expected, (own, port)


def test_other_families(description: pathlib.Path, tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        listener.bind(path)
        listener.listen()
        with kafka_emr.install(description):
            client.connect(path)


def test_undone_in_any_order(description: pathlib.Path) -> None:
    original = socket.getaddrinfo
    third = OTHER.replace("48743", "48744").replace("127.20.2", "127.20.3")
    names = [NAME, "emr-worker-1.cluster-48743", "emr-worker-1.cluster-48744"]
    addresses = ["127.20.1.24", "127.20.2.24", "127.20.3.24"]
    for order in itertools.permutations(range(3)):
        installed = [kafka_emr.install(source) for source in (description, OTHER, third)]
        left = {0, 1, 2}
        for undone in order:
            for n in left:
                assert socket.getaddrinfo(names[n], 1)[0][4][0] == addresses[n]
            installed[undone].undo()
            left.remove(undone)
            if left:
                with pytest.raises(socket.gaierror):
                    socket.getaddrinfo(names[undone], 1)
            installed[undone].undo()
        assert socket.getaddrinfo is original
        assert "connect" not in vars(socket.socket) and "connect_ex" not in vars(socket.socket)


def test_the_same_cluster_twice(description: pathlib.Path, server: Server) -> None:
    with kafka_emr.install(description) as outer:
        assert outer.bootstrap_servers == f"emr-worker-1.cluster-48742:{server.port},emr-worker-2.cluster-48742:{server.port}"
        with kafka_emr.install(description, network="private"):
            assert socket.getaddrinfo(NAME, 1)[0][4][0] == "10.0.1.24"
        assert socket.getaddrinfo(NAME, 1)[0][4][0] == "127.20.1.24"


def test_somebody_patched_on_top(description: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = socket.getaddrinfo
    installed = kafka_emr.install(description)
    ours, seen = socket.getaddrinfo, []

    def theirs(*arguments):  # type: ignore[no-untyped-def]
        seen.append(arguments[0])
        return ours(*arguments)

    monkeypatch.setattr(socket, "getaddrinfo", theirs)
    assert socket.getaddrinfo(NAME, 1)[0][4][0] == "127.20.1.24"
    installed.undo()
    assert socket.getaddrinfo is theirs
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo(NAME, 1)
    assert socket.getaddrinfo("127.0.0.1", 1)
    # Again, on top of theirs.
    with kafka_emr.install(description):
        assert socket.getaddrinfo(NAME, 1)[0][4][0] == "127.20.1.24"
    assert socket.getaddrinfo is theirs
    assert seen[0] == NAME
    monkeypatch.undo()
    # They put back what they had found, which is ours, and does nothing.
    assert socket.getaddrinfo is ours
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo(NAME, 1)
    socket.getaddrinfo = original


@pytest.mark.parametrize("host", [NAME, "nobody.invalid", b"nobody.invalid"])
def test_a_second_layer_asks_nothing(
    host: Any, description: pathlib.Path, lookups: List[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = socket.getaddrinfo
    with kafka_emr.install(description):
        ours, our_connect = socket.getaddrinfo, socket.socket.connect
        monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments: ours(*arguments))
        monkeypatch.setattr(socket.socket, "connect", lambda self, address: our_connect(self, address))
        with kafka_emr.install(description):
            for connect in False, True:
                with contextlib.suppress(OSError), socket.socket() as sock:
                    sock.connect((host, 1)) if connect else socket.getaddrinfo(host, 1)
                # Two are installed. The first one answers for its names, and is not asked for the address that it answers.
                assert len(lookups) == (1 if host == NAME else 2), lookups
                lookups.clear()
            # They put back what they had found, which is ours.
            monkeypatch.undo()
            assert socket.getaddrinfo(NAME, 1)[0][4][0] == "127.20.1.24"
    assert socket.getaddrinfo is original


def test_many_threads_install_and_connect(description: pathlib.Path, server: Server) -> None:
    def use(n: int) -> None:
        cluster = OTHER.replace("48743", str(n)).replace("127.20.2", f"127.20.{n}")
        for _ in range(50):
            with kafka_emr.install(cluster):
                assert socket.getaddrinfo(f"emr-worker-1.cluster-{n}", 1)[0][4][0] == f"127.20.{n}.24"
                assert greeted(socket.create_connection((NAME, server.port), timeout=10))

    with kafka_emr.install(description), concurrent.futures.ThreadPoolExecutor(8) as pool:
        for result in [pool.submit(use, n) for n in range(2, 10)]:
            result.result()


def test_it_is_undone_when_the_body_fails(description: pathlib.Path) -> None:
    original = socket.getaddrinfo
    with pytest.raises(KeyError):
        with kafka_emr.install(description):
            raise KeyError
    assert socket.getaddrinfo is original


def test_strict_names_fail_at_once(description: pathlib.Path) -> None:
    with kafka_emr.install(description, strict=True):
        with pytest.raises(socket.gaierror) as refused:
            socket.getaddrinfo("emr-worker-9.cluster-48742", 1)
        assert refused.value.errno == socket.EAI_NONAME
        with socket.socket() as sock, pytest.raises(socket.gaierror):
            sock.connect(("emr-worker-9.cluster-48742", 1))


def test_audit_hooks_see_the_name(description: pathlib.Path) -> None:
    seen = []
    watching = [True]

    def hook(event: str, arguments: object) -> None:
        if watching and event == "socket.getaddrinfo":
            seen.append(arguments)

    sys.addaudithook(hook)
    with kafka_emr.install(description):
        socket.getaddrinfo(NAME, 1)
    watching.clear()
    assert seen == [(NAME, 1, 0, 0, 0)]
