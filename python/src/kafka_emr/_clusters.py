"""The clusters that are installed, and what they answer."""

from __future__ import annotations

import socket
from typing import Any, List, Optional, Tuple

from ._library import Entry, Handle

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


class Resolved(str):
    """An address that a lookup gave. It is not looked up again when it is connected to: a tunnel may end at an address that
    leads elsewhere by itself."""

    __slots__ = ()


def lookup(host: object, port: object, family: int, type: int, proto: int, flags: int) -> Optional[List[Entry]]:
    """Asks the clusters; None is for the system."""
    name, service = _bytes(host), _bytes(port)
    # A host is no number: the original says so.
    if name is None or isinstance(host, int) or (service is None and port is not None) or family not in _FAMILIES:
        return None
    # Numbers that C has no place for, and ports of a kind that it does not take: the original says so.
    if isinstance(port, bytearray) or not all(-(2**31) <= number < 2**31 for number in (type, proto, flags)):
        return None
    for handle in _installed:
        entries = handle.lookup(name, service, family, type, proto, flags)
        if entries is not None:
            return [entry._replace(address=(Resolved(entry.address[0]), *entry.address[1:])) for entry in entries]
    return None


def destination(family: int, type: int, proto: int, address: Any) -> Any:
    """Where a connection to this address is to go; the address itself where no cluster knows it."""
    if family not in (socket.AF_INET, socket.AF_INET6) or not isinstance(address, tuple) or len(address) < 2:
        return address
    host, port = address[:2]
    if not isinstance(port, int):
        return address
    entries = lookup(host, port, family, type, proto, 0)
    if not entries:
        return address
    return (*entries[0].address[:2], *address[2:])


def _bytes(value: object) -> Optional[bytes]:
    """A host or port as C has it; None for one that no cluster knows."""
    if isinstance(value, Resolved):
        return None
    if isinstance(value, int):
        return b"%d" % value
    if isinstance(value, str) and value.isascii():
        value = value.encode()
    if isinstance(value, (bytes, bytearray)) and b"\0" not in value:
        return bytes(value)
    return None
