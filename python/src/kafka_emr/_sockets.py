"""Python's own sockets, with the clusters' names in front of the system's."""

from __future__ import annotations

import functools
import os
import socket
import sys
import threading
from types import TracebackType
from typing import Any, Callable, List, NoReturn, Optional, Tuple, Type

from ._library import Entry, Handle
from ._resolver import Resolver
from ._source import Source

_ABSENT = object()
_FAMILIES = (socket.AF_UNSPEC, socket.AF_INET, socket.AF_INET6)

_lock = threading.Lock()
# Replaced as a whole, so that lookups need no lock. The latest is first.
_active: Tuple[Installation, ...] = ()


class Installation:
    """What ``kafka_emr.install()`` did; ``undo()``, or the end of a ``with``, takes it back."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._handle: Handle = resolver._open()

    @property
    def bootstrap_servers(self) -> str:
        """The value for bootstrap_servers, as ``Resolver.bootstrap_servers``."""
        return self._resolver.bootstrap_servers

    def undo(self) -> None:
        """Takes this installation back, and leaves the others. A second time it does nothing."""
        global _active
        with _lock:
            _active = tuple(other for other in _active if other is not self)
            if not _active:
                for patch in _PATCHES:
                    patch.restore()

    def __reduce__(self) -> NoReturn:
        raise TypeError("an installation is of this process and cannot be copied")

    def __enter__(self) -> Installation:
        return self

    def __exit__(
        self,
        exception_type: Optional[Type[BaseException]],
        exception: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.undo()

    def __repr__(self) -> str:
        return f"<kafka_emr.Installation of {self._resolver!r}>"


def install(
    source: Source, *, network: Optional[str] = None, bootstrap: Optional[str] = None, strict: Optional[bool] = None
) -> Installation:
    """Makes kafka-python, aiokafka and everything else that connects by Python's own sockets resolve the cluster's names.

    It holds for the whole process, until ``undo()`` or the end of a ``with``::

        with kafka_emr.install("prod.toml") as cluster:
            consumer = kafka.KafkaConsumer("orders", bootstrap_servers=cluster.bootstrap_servers)

    ``socket.getaddrinfo``, ``socket.socket.connect`` and ``connect_ex`` answer for the cluster's names and addresses; for
    all others they do what they did. Names in TLS stay what they are. Several clusters can be installed at once, and
    undone in any order; where two know a name, the later one answers.

    ``network`` ("private" or "public"), ``bootstrap`` ("addresses" or "names") and ``strict`` override the description.
    Raises ``kafka_emr.Error`` when something is wrong with the source or the description.
    """
    global _active
    installation = Installation(Resolver(source, network=network, bootstrap=bootstrap, strict=strict))
    with _lock:
        _active = (installation, *_active)
        for patch in _PATCHES:
            patch.apply()
    return installation


class _Resolved(str):
    """An address that a lookup gave, and that is not looked up again when it is connected to: a tunnel may end at an
    address that leads elsewhere by itself."""

    __slots__ = ()


def _lookup(host: object, port: object, family: int, type: int, proto: int, flags: int) -> Optional[List[Entry]]:
    """Asks the clusters; None is for the system."""
    name, service = _bytes(host), _bytes(port)
    if name is None or (service is None and port is not None) or family not in _FAMILIES:
        return None
    # Numbers that C has no place for, and ports of a kind that it does not take: the original says so.
    if isinstance(port, bytearray) or not all(-(2**31) <= number < 2**31 for number in (type, proto, flags)):
        return None
    for installation in _active:
        entries = installation._handle.lookup(name, service, family, type, proto, flags)
        if entries is not None:
            return entries
    return None


def _bytes(value: object) -> Optional[bytes]:
    """A host or port as C has it; None for one that no cluster knows."""
    if isinstance(value, _Resolved):
        return None
    if isinstance(value, int):
        return b"%d" % value
    if isinstance(value, str) and value.isascii():
        value = value.encode()
    if isinstance(value, (bytes, bytearray)) and b"\0" not in value:
        return bytes(value)
    return None


def _new_getaddrinfo(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def getaddrinfo(host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> Any:
        # An int is a port, but no host: the original says so.
        entries = None if isinstance(host, int) else _lookup(host, port, family, type, proto, flags)
        if entries is None:
            return original(host, port, family, type, proto, flags)
        sys.audit("socket.getaddrinfo", host, port, family, type, proto)
        return [
            (
                socket.AddressFamily(entry.family),
                socket.SocketKind(entry.type),
                entry.proto,
                entry.canonname,
                (_Resolved(entry.address[0]), *entry.address[1:]),
            )
            for entry in entries
        ]

    return getaddrinfo


def _new_connect(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def connect(self: socket.socket, address: Any, /) -> Any:
        return original(self, _leads_to(self, address))

    return connect


def _leads_to(sock: socket.socket, address: Any) -> Any:
    """Where a connection to this address is to go; the address itself where no cluster knows it."""
    if sock.family not in (socket.AF_INET, socket.AF_INET6) or not isinstance(address, tuple) or len(address) < 2:
        return address
    host, port = address[:2]
    if isinstance(host, int) or not isinstance(port, int):
        return address
    entries = _lookup(host, port, sock.family, sock.type, sock.proto, 0)
    if not entries:
        return address
    return (*entries[0].address[:2], *address[2:])


class _Patch:
    """A function that is replaced in its place, and put back as it was."""

    def __init__(self, place: Any, name: str, new: Callable[[Callable[..., Any]], Any]) -> None:
        self._place, self._name, self._new = place, name, new
        self._replaced: object = _ABSENT
        self._ours: object = _ABSENT

    def _is_there(self) -> bool:
        return self._ours is not _ABSENT and vars(self._place).get(self._name) is self._ours

    def apply(self) -> None:
        if not self._is_there():
            # Methods of a base class are in no place of their own.
            self._replaced = vars(self._place).get(self._name, _ABSENT)
            self._ours = self._new(getattr(self._place, self._name))
            setattr(self._place, self._name, self._ours)

    def restore(self) -> None:
        # What somebody put on top stays, and ours under it does nothing more.
        if self._is_there():
            if self._replaced is _ABSENT:
                delattr(self._place, self._name)
            else:
                setattr(self._place, self._name, self._replaced)


_PATCHES = (
    _Patch(socket, "getaddrinfo", _new_getaddrinfo),
    _Patch(socket.socket, "connect", _new_connect),
    _Patch(socket.socket, "connect_ex", _new_connect),
)


def _renew_lock() -> None:
    global _lock
    _lock = threading.Lock()


# Another thread may hold it at a fork, and is not in the child.
os.register_at_fork(after_in_child=_renew_lock)
