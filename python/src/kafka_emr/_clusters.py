"""The clusters that are installed, and what they answer."""

from __future__ import annotations

import socket
import struct
from typing import Any, List, Optional, Tuple

from ._library import Entry, Handle, raw_address

# C's numbers are below.
_INT, _LONG = 2 ** (8 * struct.calcsize("i") - 1), 2 ** (8 * struct.calcsize("l") - 1)

_FAMILIES = (socket.AF_UNSPEC, socket.AF_INET, socket.AF_INET6)

# Replaced as a whole, so that lookups need no lock. The latest is first.
_installed: Tuple[Handle, ...] = ()


def add(handle: Handle) -> None:
    """Puts a cluster in front of the others. The caller holds the lock of the patches."""
    global _installed
    _installed = (handle, *_installed)


def remove(handle: Handle) -> bool:
    """Takes a cluster away. Returns whether others are left. The caller holds the lock of the patches."""
    global _installed
    _installed = tuple(other for other in _installed if other is not handle)
    return bool(_installed)


class _AnsweredText(str):
    pass


class _AnsweredBytes(bytes):
    pass


def answered(host: Any) -> Any:
    """Marks a host that the clusters were asked for. What was replaced may call another replacement, which asks nothing then."""
    if isinstance(host, str):
        return _AnsweredText(host)
    return _AnsweredBytes(host) if isinstance(host, bytes) else host


def lookup(host: Any, port: Any, family: int, type: int, proto: int, flags: int) -> Optional[List[Entry]]:
    """Asks the clusters; None is for the system, and for what it refuses with an exception of its own."""
    # An int of another class, as True, is none to socket.getaddrinfo.
    service = b"%d" % port if port.__class__ is int and -_LONG <= port < _LONG else _bytes(port)
    name = _bytes(host)
    if name is None or (service is None and port is not None) or family not in _FAMILIES:
        return None
    if not (-_INT <= type < _INT and -_INT <= proto < _INT and -_INT <= flags < _INT):
        return None
    for handle in _installed:
        entries = handle.program_lookup(name, service, family, type, proto, flags)
        if entries is not None:
            return entries
    return None


def destination(type: int, host: Any, port: Any) -> Tuple[Any, Any]:
    """Where a connection to an address leads; the address itself where it leads there, and for what is no address."""
    name = _bytes(host)
    if type != socket.SOCK_STREAM or name is None or not isinstance(port, int) or not 0 <= port <= 65535:
        return host, port
    raw = raw_address(name.decode(), port)
    if raw is not None:
        for handle in _installed:
            to = handle.program_connect(raw)
            if to is not None:
                return to[:2]
    return host, port


def _bytes(value: object) -> Optional[bytes]:
    """A text as C has it; None for one that no cluster knows, or that the clusters were asked for."""
    if isinstance(value, (_AnsweredText, _AnsweredBytes)):
        return None
    if isinstance(value, str) and value.isascii():
        value = value.encode()
    return value if isinstance(value, bytes) and b"\0" not in value else None
