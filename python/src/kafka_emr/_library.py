"""The C library, as include/kafka_emr.h declares it."""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import sys
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_uint32, c_void_p
from typing import List, NamedTuple, NoReturn, Optional, Sequence, Tuple, Union

SocketAddress = Union[Tuple[str, int], Tuple[str, int, int, int]]

_FILE = "libkafka_emr.dylib" if sys.platform == "darwin" else "libkafka_emr.so"

PLUGIN: str = os.path.join(os.path.dirname(os.path.abspath(__file__)), "kafka_emr", _FILE)
"""The path of the library in this package, for ``plugin.library.paths`` of librdkafka."""

_NOT_MAPPED = 10000


class Error(Exception):
    """What is wrong with a source, or with the description it leads to: one line that names the place and the key."""


class _AddrInfo(ctypes.Structure):
    pass


_NAME_AND_ADDRESS = [("ai_canonname", c_char_p), ("ai_addr", c_void_p)]
_AddrInfo._fields_ = [
    ("ai_flags", c_int),
    ("ai_family", c_int),
    ("ai_socktype", c_int),
    ("ai_protocol", c_int),
    ("ai_addrlen", c_uint32),
    # glibc and musl have the address first.
    *(_NAME_AND_ADDRESS if sys.platform == "darwin" else reversed(_NAME_AND_ADDRESS)),
    ("ai_next", POINTER(_AddrInfo)),
]

# As it is imported.
Error.__module__ = "kafka_emr"

_library = ctypes.CDLL(PLUGIN)
_ERRSTR = (c_char_p, c_size_t)
_PROTOTYPES = {
    "kafka_emr_version": (c_char_p, ()),
    "kafka_emr_resolver_open_with": (c_void_p, (c_char_p, POINTER(c_char_p), *_ERRSTR)),
    "kafka_emr_resolver_free": (None, (c_void_p,)),
    "kafka_emr_resolver_bootstrap_servers_for": (c_char_p, (c_void_p, c_char_p, c_char_p, *_ERRSTR)),
    # Not as c_char_p, which would lose the pointer that is to be freed.
    "kafka_emr_resolver_endpoints_json": (c_void_p, (c_void_p, *_ERRSTR)),
    "kafka_emr_string_free": (None, (c_void_p,)),
    "kafka_emr_lookup": (
        c_int,
        (c_void_p, c_char_p, c_char_p, POINTER(_AddrInfo), POINTER(POINTER(_AddrInfo))),
    ),
    "kafka_emr_freeaddrinfo": (None, (POINTER(_AddrInfo),)),
}
for _name, (_result, _arguments) in _PROTOTYPES.items():
    _function = getattr(_library, _name)
    _function.restype, _function.argtypes = _result, _arguments

_gai_strerror = ctypes.CDLL(None).gai_strerror
_gai_strerror.restype, _gai_strerror.argtypes = c_char_p, (c_int,)

VERSION: str = _library.kafka_emr_version().decode()


class Entry(NamedTuple):
    """One entry of an answer, as getaddrinfo has them."""

    family: int
    type: int
    proto: int
    canonname: str
    address: SocketAddress


class Handle:
    """A resolver of the library. It is freed when the last user has let go of it, so that no call on it is running."""

    _as_parameter_: Optional[int] = None

    def __init__(self, source: str, overrides: Sequence[Tuple[str, str]]) -> None:
        texts = [_text(key, f"{key}={value}") for key, value in overrides]
        errstr = _errstr()
        self._as_parameter_ = _library.kafka_emr_resolver_open_with(
            _text("source", source), (c_char_p * (len(texts) + 1))(*texts, None), errstr, len(errstr)
        )
        if not self._as_parameter_:
            raise _error(errstr)

    def __del__(self, free=_library.kafka_emr_resolver_free) -> None:  # type: ignore[no-untyped-def]
        free(self._as_parameter_)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a resolver of the library cannot be copied")

    def bootstrap_servers(self) -> str:
        """The value for bootstrap.servers."""
        errstr = _errstr()
        servers: Optional[bytes] = _library.kafka_emr_resolver_bootstrap_servers_for(
            self, None, None, errstr, len(errstr)
        )
        if servers is None:
            raise _error(errstr)
        return servers.decode()

    def endpoints_json(self) -> bytes:
        """What is known of the clusters."""
        errstr = _errstr()
        string = _library.kafka_emr_resolver_endpoints_json(self, errstr, len(errstr))
        if not string:
            raise _error(errstr)
        try:
            return ctypes.string_at(string)
        finally:
            _library.kafka_emr_string_free(string)

    def lookup(
        self, host: bytes, service: Optional[bytes], family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> Optional[List[Entry]]:
        """Asks the map; None is for a name that is none of the clusters'. Raises socket.gaierror."""
        hints = _AddrInfo(ai_flags=flags, ai_family=family, ai_socktype=type, ai_protocol=proto)
        answer = POINTER(_AddrInfo)()
        code = _library.kafka_emr_lookup(self, host, service, byref(hints), byref(answer))
        if code == _NOT_MAPPED:
            return None
        if code != 0:
            raise socket.gaierror(code, _gai_strerror(code).decode())
        entries = []
        try:
            info = answer
            while info:
                entries.append(_entry(info.contents))
                info = info.contents.ai_next
        finally:
            _library.kafka_emr_freeaddrinfo(answer)
        return entries


def _entry(info: _AddrInfo) -> Entry:
    raw = ctypes.string_at(info.ai_addr, info.ai_addrlen)
    (port,) = struct.unpack_from("!H", raw, 2)
    address: SocketAddress
    if info.ai_family == socket.AF_INET6:
        (flow,) = struct.unpack_from("!I", raw, 4)
        (scope,) = struct.unpack_from("=I", raw, 24)
        address = (socket.inet_ntop(socket.AF_INET6, raw[8:24]), port, flow, scope)
    else:
        address = (socket.inet_ntop(socket.AF_INET, raw[4:8]), port)
    canonname = (info.ai_canonname or b"").decode(errors="replace")
    return Entry(info.ai_family, info.ai_socktype, info.ai_protocol, canonname, address)


def _text(what: str, text: str) -> bytes:
    if "\0" in text:
        raise Error(f"{what}: a NUL is in it: {text!r}")
    # What is no Unicode is not UTF-8 either, and the library says so.
    return text.encode(errors="surrogatepass")


def _errstr() -> ctypes.Array[ctypes.c_char]:
    return ctypes.create_string_buffer(8192)


def _error(errstr: ctypes.Array[ctypes.c_char]) -> Error:
    return Error(errstr.value.decode(errors="replace"))
