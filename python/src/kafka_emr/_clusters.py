"""The clusters that are installed, and what they answer."""

from __future__ import annotations

import socket
from typing import Any, List, Optional, Tuple

from ._library import Entry, Handle, raw_address

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


def lookup(host: object, port: object, family: int, type: int, proto: int, flags: int) -> Optional[List[Entry]]:
    """Asks the clusters; None is for the system."""
    name, service = _bytes(host), _bytes(port) if not isinstance(port, int) else b"%d" % port
    if name is None or (service is None and port is not None) or family not in _FAMILIES:
        return None
    # Numbers that C has no place for, and ports of a kind that it does not take: the original says so.
    if isinstance(port, bytearray) or not all(-(2**31) <= number < 2**31 for number in (type, proto, flags)):
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
    """A text as C has it; None for one that no cluster knows."""
    if isinstance(value, str) and value.isascii():
        value = value.encode()
    if isinstance(value, (bytes, bytearray)) and b"\0" not in value:
        return bytes(value)
    return None
