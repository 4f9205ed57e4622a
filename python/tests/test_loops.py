"""Event loops: asyncio's own, uvloop's, and trio, by themselves and under anyio."""

from __future__ import annotations

import _socket
import asyncio
import pathlib
import socket
import ssl
import threading
from typing import Any, Callable, Coroutine, Dict, List

import anyio
import pytest
import trio
import uvloop
from conftest import Server, run_python

import kafka_emr

NAME = "emr-worker-1.cluster-48742"

LOOPS: Dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}


def run(loop: asyncio.AbstractEventLoop, main: Coroutine[Any, Any, Any]) -> Any:
    try:
        return loop.run_until_complete(asyncio.wait_for(main, 20))
    finally:
        loop.close()


async def greeted(host: str, port: int, **options: Any) -> bytes:
    reader, writer = await asyncio.open_connection(host, port, **options)
    writer.write(b"hello")
    answer = await reader.readexactly(5)
    writer.close()
    await writer.wait_closed()
    return answer


async def greeted_by_socket(host: str, port: int) -> bytes:
    loop = asyncio.get_running_loop()
    with socket.socket() as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, (host, port))
        await loop.sock_sendall(sock, b"hello")
        return await loop.sock_recv(sock, 5)


async def all_of_it(port: int) -> None:
    for host in (NAME, NAME.upper() + ".", "10.0.1.24", "127.20.1.24"):
        assert await greeted(host, port) == b"hello"
        assert await greeted_by_socket(host, port) == b"hello"
    (entry,) = await asyncio.get_running_loop().getaddrinfo(NAME, port, type=socket.SOCK_STREAM)
    assert entry == (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.20.1.24", port))


@pytest.mark.parametrize("new_loop", LOOPS.values(), ids=LOOPS)
def test_loops_made_before_and_after(new_loop, description: pathlib.Path, server: Server) -> None:  # type: ignore[no-untyped-def]
    before = new_loop()
    with pytest.raises(OSError):
        run(new_loop(), greeted(NAME, server.port))
    with kafka_emr.install(description):
        run(before, all_of_it(server.port))
        run(new_loop(), all_of_it(server.port))
        kept = new_loop()
    with pytest.raises(OSError):
        run(kept, greeted(NAME, server.port))


@pytest.mark.parametrize("new_loop", LOOPS.values(), ids=LOOPS)
def test_installed_in_a_running_loop(new_loop, description: pathlib.Path, server: Server) -> None:  # type: ignore[no-untyped-def]
    async def main() -> None:
        with kafka_emr.install(description):
            await all_of_it(server.port)

    run(new_loop(), main())


def test_classes_that_derive_from_uvloops(description: pathlib.Path, server: Server) -> None:
    class Before(uvloop.Loop):
        async def create_connection(self, *arguments: Any, **options: Any) -> Any:
            return await super().create_connection(*arguments, **options)

    with kafka_emr.install(description):

        class After(uvloop.Loop):
            pass

        run(Before(), all_of_it(server.port))
        run(After(), all_of_it(server.port))
        assert "create_connection" not in vars(After)


class Direct(uvloop.Loop):
    """Goes past the class that it derives from."""

    async def create_connection(self, protocol_factory: Any, host: Any = None, port: Any = None, **options: Any) -> Any:
        return await uvloop.loop.Loop.create_connection(self, protocol_factory, host, port, **options)

    async def getaddrinfo(self, host: Any, port: Any, **options: Any) -> Any:
        return await uvloop.loop.Loop.getaddrinfo(self, host, port, **options)


class Mixin:
    """No loop, and in front of one."""

    create_connection = Direct.create_connection
    getaddrinfo = Direct.getaddrinfo


class Mixed(Mixin, uvloop.Loop):  # type: ignore[misc]
    pass


class Below(Direct):
    """Has a class above that is reached as well."""

    async def create_connection(self, *arguments: Any, **options: Any) -> Any:
        return await super().create_connection(*arguments, **options)


class OwnNames(asyncio.SelectorEventLoop):
    """Looks names up by itself."""

    async def getaddrinfo(self, host: Any, port: Any, **options: Any) -> Any:
        return _socket.getaddrinfo(host, port, *options.values())


@pytest.mark.parametrize("loop_class", [Direct, Mixed, Below, OwnNames])
def test_classes_with_methods_of_their_own(loop_class: Any, description: pathlib.Path, server: Server) -> None:
    before = {name: vars(loop_class).get(name) for name in ("create_connection", "getaddrinfo")}
    with kafka_emr.install(description):
        run(loop_class(), all_of_it(server.port))
    assert {name: vars(loop_class).get(name) for name in before} == before

    # It may be defined later.
    with kafka_emr.install(description):
        later = type("Later", (loop_class,), {name: method for name, method in before.items() if method})
        run(later(), all_of_it(server.port))


@pytest.mark.parametrize("host", [NAME, "localhost"])
def test_each_name_is_asked_for_once(host: str, description: pathlib.Path, lookups: List[bytes]) -> None:
    async def connect() -> None:
        with pytest.raises(OSError):
            await asyncio.get_running_loop().create_connection(asyncio.Protocol, host, 1)

    with kafka_emr.install(description):
        run(Below(), connect())
    assert lookups == [host.encode()]


@pytest.mark.parametrize("imported", ["before", "after"])
def test_uvloop_imported_before_and_after(imported: str, description: pathlib.Path, server: Server) -> None:
    run_python(
        f"""
import sys, asyncio
source, port, imported = sys.argv[1:]
if imported == "before":
    import uvloop
import kafka_emr
with kafka_emr.install(source):
    if imported == "after":
        assert "uvloop" not in sys.modules
        import uvloop
    async def main():
        reader, writer = await asyncio.open_connection("{NAME}", int(port))
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"
        writer.close()
        await writer.wait_closed()
    loop = uvloop.new_event_loop()
    loop.run_until_complete(main())
    loop.close()
assert "create_connection" not in vars(uvloop.Loop) and "getaddrinfo" not in vars(uvloop.Loop)
assert "__init_subclass__" not in vars(asyncio.AbstractEventLoop)
""",
        description,
        server.port,
        imported,
    )


@pytest.fixture
def tunnel(tmp_path: pathlib.Path, server: Server) -> pathlib.Path:
    """A cluster whose broker is reached through a port forward."""
    path = tmp_path / "tunnel.toml"
    path.write_text(
        f"""
        id = "48742"
        release = "3.9"
        [[nodes]]
        name = "emr-worker-1"
        private_ip = "10.0.1.24"
        connect = "{server.address}:{server.port}"
        """
    )
    return path


@pytest.mark.parametrize("new_loop", LOOPS.values(), ids=LOOPS)
def test_tunnels(new_loop, tunnel: pathlib.Path) -> None:  # type: ignore[no-untyped-def]
    with kafka_emr.install(tunnel):
        for host in (NAME, "10.0.1.24"):
            assert run(new_loop(), greeted(host, 9092)) == b"hello"
            assert run(new_loop(), greeted_by_socket(host, 9092)) == b"hello"


@pytest.mark.parametrize("new_loop", LOOPS.values(), ids=LOOPS)
def test_tls_keeps_the_name(new_loop, description: pathlib.Path) -> None:  # type: ignore[no-untyped-def]
    sent: List[bytes] = []

    def take(listener: socket.socket) -> None:
        client, _ = listener.accept()
        with client:
            sent.append(client.recv(4096))

    for options, name in ({}, NAME), ({"server_hostname": "another.example"}, "another.example"):
        with socket.create_server(("127.20.1.24", 0)) as listener:
            thread = threading.Thread(target=take, args=(listener,))
            thread.start()
            with kafka_emr.install(description), pytest.raises((OSError, ssl.SSLError)):
                port = listener.getsockname()[1]
                run(new_loop(), greeted(NAME, port, ssl=ssl.create_default_context(), **options))
            thread.join()
        # The name for which a certificate is asked stands in the first message.
        assert name.encode() in sent.pop()


def test_every_address_is_tried(tmp_path: pathlib.Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text(f"::1 {NAME}\n127.20.9.2 {NAME}\n")
    with kafka_emr.install(hosts), socket.create_server(("127.20.9.2", 0)) as listener:

        async def connect(port: int) -> object:
            _, writer = await asyncio.open_connection(NAME, port)
            peer = writer.get_extra_info("peername")
            writer.close()
            await writer.wait_closed()
            return peer

        port = listener.getsockname()[1]
        assert run(uvloop.new_event_loop(), connect(port)) == ("127.20.9.2", port)
        listener.close()
        with pytest.raises(OSError, match="Multiple exceptions: .*refused, .*refused"):
            run(uvloop.new_event_loop(), connect(port))


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (("localhost", "PORT"), {}),
        (("127.0.0.1", "PORT"), {"family": socket.AF_INET}),
        (("nobody.invalid", 80), {}),
        ((None, None), {}),
        ((NAME, 80), {"sock": "a socket"}),
        ((NAME, 80), {"family": socket.AF_INET6}),
        ((NAME, 80), {"server_hostname": NAME}),
        ((NAME, 80), {"no_such_option": 1}),
        (("a\0b", 80), {}),
        ((NAME, 1.5), {}),
    ],
)
def test_uvloop_does_all_else_as_it_did(arguments, options, description: pathlib.Path) -> None:  # type: ignore[no-untyped-def]
    async def outcome(port: int) -> object:
        loop = asyncio.get_running_loop()
        host, asked = arguments
        with socket.socket() as sock:
            given = {**options, **({"sock": sock} if "sock" in options else {})}
            try:
                transport, _ = await loop.create_connection(
                    asyncio.Protocol, host, port if asked == "PORT" else asked, **given
                )
                transport.close()
                return "connected"
            except Exception as error:
                return type(error)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        before = run(uvloop.new_event_loop(), outcome(port))
        with kafka_emr.install(description):
            assert run(uvloop.new_event_loop(), outcome(port)) == before


@pytest.mark.parametrize("new_loop", LOOPS.values(), ids=LOOPS)
def test_strict_names_fail_at_once(new_loop, description: pathlib.Path) -> None:  # type: ignore[no-untyped-def]
    with kafka_emr.install(description, strict=True), pytest.raises(socket.gaierror) as refused:
        run(new_loop(), greeted("emr-worker-9.cluster-48742", 9092))
    assert refused.value.errno == socket.EAI_NONAME


def test_a_loop_that_cannot_be_reached(description: pathlib.Path) -> None:
    class Bare(uvloop.loop.Loop):
        pass

    async def install() -> None:
        kafka_emr.install(description)

    loop = Bare()
    with pytest.raises(kafka_emr.Error, match="Bare: .*asyncio's own event loop or .*`kafka-emr exec`"):
        loop.run_until_complete(install())
    loop.close()


def test_trio(description: pathlib.Path, server: Server) -> None:
    async def main(host: str) -> None:
        stream = await trio.open_tcp_stream(host, server.port)
        async with stream:
            await stream.send_all(b"hello")
            assert await stream.receive_some(5) == b"hello"
        with trio.socket.socket() as sock:
            await sock.connect((host, server.port))
            await sock.send(b"hello")
            assert await sock.recv(5) == b"hello"

    with pytest.raises(OSError):
        trio.run(main, NAME)
    with kafka_emr.install(description):
        for host in (NAME, "10.0.1.24", "127.20.1.24"):
            trio.run(main, host)


BACKENDS = [("asyncio", {}), ("asyncio", {"use_uvloop": True}), ("trio", {})]


@pytest.mark.parametrize(("backend", "options"), BACKENDS, ids=["asyncio", "uvloop", "trio"])
def test_anyio(backend, options, description: pathlib.Path, tunnel: pathlib.Path, server: Server) -> None:  # type: ignore[no-untyped-def]
    async def main(host: str, port: int) -> None:
        async with await anyio.connect_tcp(host, port) as stream:
            await stream.send(b"hello")
            assert await stream.receive(5) == b"hello"

    def run(host: str, port: int) -> None:
        anyio.run(main, host, port, backend=backend, backend_options=options)

    with pytest.raises(OSError):
        run(NAME, server.port)
    with kafka_emr.install(description):
        for host in (NAME, "10.0.1.24", "127.20.1.24"):
            run(host, server.port)
    # anyio keeps the address of an answer, and not its port.
    with kafka_emr.install(tunnel):
        for host in (NAME, "10.0.1.24"):
            run(host, 9092)
