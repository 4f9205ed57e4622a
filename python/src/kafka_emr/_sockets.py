"""Python's own sockets, with the clusters' names in front of the system's."""

from __future__ import annotations

import functools
import operator
import socket
import sys
from typing import Any, Callable, Iterator

from ._clusters import answered, destination, lookup
from ._library import Entry
from ._patch import Patch


def patches() -> Iterator[Patch]:
    """What is to be patched now: gevent puts another class into the module."""
    yield Patch(socket, "getaddrinfo", _new_getaddrinfo)
    yield Patch(socket.socket, "connect", _new_connect)
    yield Patch(socket.socket, "connect_ex", _new_connect)
    gevent = sys.modules.get("gevent.socket")
    if gevent and issubclass(socket.socket, gevent.socket):
        # Its create_connection, which has replaced the other, calls the function beside it.
        yield Patch(gevent, "getaddrinfo", _new_getaddrinfo)


def python_entry(entry: Entry) -> Any:
    """An entry of an answer, in the types that socket.getaddrinfo returns."""
    return (
        socket.AddressFamily(entry.family),
        socket.SocketKind(entry.type),
        entry.proto,
        entry.canonname,
        entry.address,
    )


def _new_getaddrinfo(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def getaddrinfo(host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> Any:
        entries = lookup(host, port, family, type, proto, flags)
        if entries is None:
            return original(answered(host), port, family, type, proto, flags)
        sys.audit("socket.getaddrinfo", host, port, family, type, proto)
        return [python_entry(entry) for entry in entries]

    return getaddrinfo


def _new_connect(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def connect(self: socket.socket, address: Any, /) -> Any:
        return original(self, _redirected(self, address))

    return connect


def _redirected(sock: socket.socket, address: Any) -> Any:
    """The address that a socket is to connect to instead; the same where no cluster knows it."""
    if sock.family not in (socket.AF_INET, socket.AF_INET6) or not isinstance(address, tuple) or len(address) < 2:
        return address
    host, port = address[:2]
    if isinstance(host, bytearray):
        host = bytes(host)
    try:
        port = int(operator.index(port))
    except TypeError:
        return address
    # What is no port is the original's to refuse, which would look the host up first.
    is_port = 0 <= port <= 65535
    entries = lookup(host, port if is_port else None, sock.family, sock.type, sock.proto, 0)
    if entries:
        host, port = entries[0].address[0], entries[0].address[1] if is_port else port
    host, port = destination(sock.type, host, port)
    return (answered(host), port, *address[2:])
