"""The C library, as include/kafka_emr.h declares it."""

from __future__ import annotations

import ctypes
import enum
import os
import socket
import struct
import sys
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_uint32, c_void_p
from typing import Any, List, NamedTuple, NoReturn, Optional, Sequence, Tuple, Union

from . import _logging

SocketAddress = Union[Tuple[str, int], Tuple[str, int, int, int]]

_FILE = "libkafka_emr.dylib" if sys.platform == "darwin" else "libkafka_emr.so"

PLUGIN: str = os.path.join(os.path.dirname(os.path.abspath(__file__)), "kafka_emr", _FILE)
"""The path of the library in this package, for ``plugin.library.paths`` of librdkafka."""

_NOT_MAPPED = 10000


class ErrorCode(enum.IntEnum):
    """Why something failed, for programs. A number never gets another meaning."""

    RELEASE = 1
    """An EMR release is missing, or not written in an accepted spelling."""
    SYNTAX = 2
    """Text is not valid TOML, JSON or hosts text, or has unknown keys or wrong types."""
    VALUE = 3
    """A value is well-formed but cannot be: a bad address, a duplicate name, no broker."""
    ADDRESS = 4
    """Brokers lack the address that the network needs."""
    SOURCE = 5
    """A source string cannot be understood."""
    IO = 6
    """A file does not exist or cannot be read."""
    INSECURE = 7
    """A file is refused because others could have written it."""
    BOOTSTRAP = 8
    """A resolver over several clusters has no bootstrap servers of its own."""
    ARGUMENT = 9
    """An argument cannot be: a NUL in a text, or a resolver that is closed."""
    TOO_MANY_RESOLVERS = 10
    """1024 resolvers of this process have a callback already."""
    CONFIGURATION = 11
    """The program cannot have the resolver: the event loop or librdkafka's configuration rules it out."""
    INTERNAL = 12
    """A defect of the library."""
    OTHER = 13
    """Anything else."""


class Error(Exception):
    """What is wrong with a source, or with the description it leads to: one line that names the place and the key."""

    code: ErrorCode
    """Why it failed, for programs."""

    def __init__(self, message: str, code: ErrorCode) -> None:
        super().__init__(message)
        self.code = code

    def __reduce__(self) -> Tuple[object, ...]:
        return Error, (str(self), self.code)


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

# As they are imported.
Error.__module__ = ErrorCode.__module__ = "kafka_emr"

_library = ctypes.CDLL(PLUGIN)
_ERRSTR = (c_char_p, c_size_t)
_PROTOTYPES = {
    "kafka_emr_version": (c_char_p, ()),
    "kafka_emr_last_error": (c_int, ()),
    "kafka_emr_set_log_cb": (None, (_logging.CALLBACK, c_void_p)),
    "kafka_emr_resolver_open_env": (c_void_p, (c_char_p, POINTER(c_char_p), *_ERRSTR)),
    "kafka_emr_resolver_free": (None, (c_void_p,)),
    "kafka_emr_resolver_bootstrap_servers": (c_char_p, (c_void_p,)),
    "kafka_emr_resolver_bootstrap_servers_for": (c_char_p, (c_void_p, c_char_p, c_char_p, *_ERRSTR)),
    # Not as c_char_p, which would lose the pointer that is to be freed.
    "kafka_emr_resolver_endpoints_json": (c_void_p, (c_void_p, *_ERRSTR)),
    "kafka_emr_resolver_status_json": (c_void_p, (c_void_p, *_ERRSTR)),
    "kafka_emr_string_free": (None, (c_void_p,)),
    "kafka_emr_lookup": (
        c_int,
        (c_void_p, c_char_p, c_char_p, POINTER(_AddrInfo), POINTER(POINTER(_AddrInfo))),
    ),
    "kafka_emr_program_lookup": (
        c_int,
        (c_void_p, c_char_p, c_char_p, POINTER(_AddrInfo), POINTER(POINTER(_AddrInfo))),
    ),
    "kafka_emr_program_connect": (c_uint32, (c_void_p, c_char_p, c_uint32, c_char_p)),
    "kafka_emr_freeaddrinfo": (None, (POINTER(_AddrInfo),)),
}
for _name, (_result, _arguments) in _PROTOTYPES.items():
    _function = getattr(_library, _name)
    _function.restype, _function.argtypes = _result, _arguments

_gai_strerror = ctypes.CDLL(None).gai_strerror
_gai_strerror.restype, _gai_strerror.argtypes = c_char_p, (c_int,)

_logging.start(_library)

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
        given = (c_char_p * (len(texts) + 1))(*texts, None)
        self._as_parameter_ = _call(_library.kafka_emr_resolver_open_env, _text("source", source), given)

    def __del__(self, free=_library.kafka_emr_resolver_free) -> None:  # type: ignore[no-untyped-def]
        free(self._as_parameter_)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a resolver of the library cannot be copied")

    def bootstrap_servers(self) -> str:
        """The value for bootstrap.servers by EMR's document."""
        with _logging.lines_afterwards():
            servers: Optional[bytes] = _library.kafka_emr_resolver_bootstrap_servers(self)
        # What is missing for one is missing for the other, which has a message.
        return self.client_bootstrap_servers() if servers is None else servers.decode()

    def client_bootstrap_servers(self) -> str:
        """The value for bootstrap.servers of a client that has the cluster's names."""
        servers: bytes = _call(_library.kafka_emr_resolver_bootstrap_servers_for, self, None, None)
        return servers.decode()

    def endpoints_json(self) -> bytes:
        """What is known of the clusters."""
        return _taken(_call(_library.kafka_emr_resolver_endpoints_json, self))

    def status_json(self) -> bytes:
        """What the resolver knows of itself."""
        return _taken(_call(_library.kafka_emr_resolver_status_json, self))

    def lookup(self, host: bytes, service: bytes, type: int) -> Optional[List[Entry]]:
        """Asks the map of a Kafka client; returns None for a name that no cluster has. Raises socket.gaierror."""
        return self._lookup(_library.kafka_emr_lookup, host, service, 0, type, 0, 0)

    def program_lookup(
        self, host: bytes, service: Optional[bytes], family: int, type: int, proto: int, flags: int
    ) -> Optional[List[Entry]]:
        """As lookup, for a whole program."""
        return self._lookup(_library.kafka_emr_program_lookup, host, service, family, type, proto, flags)

    def program_connect(self, raw: bytes) -> Optional[SocketAddress]:
        """Where a TCP connection of a whole program leads that is made to this address; None is for there."""
        to = ctypes.create_string_buffer(128)
        length = _library.kafka_emr_program_connect(self, raw, len(raw), to)
        return _address(to.raw[:length]) if length else None

    def _lookup(
        self, function: Any, host: bytes, service: Optional[bytes], family: int, type: int, proto: int, flags: int
    ) -> Optional[List[Entry]]:
        hints = _AddrInfo(ai_flags=flags, ai_family=family, ai_socktype=type, ai_protocol=proto)
        answer = POINTER(_AddrInfo)()
        with _logging.lines_afterwards():
            code = function(self, host, service, byref(hints), byref(answer))
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
    address = _address(ctypes.string_at(info.ai_addr, info.ai_addrlen))
    canonname = (info.ai_canonname or b"").decode(errors="replace")
    return Entry(info.ai_family, info.ai_socktype, info.ai_protocol, canonname, address)


def _address(raw: bytes) -> SocketAddress:
    """An address as Python has it, of the bytes that C has."""
    (port,) = struct.unpack_from("!H", raw, 2)
    if len(raw) == 16:
        return socket.inet_ntop(socket.AF_INET, raw[4:8]), port
    (flow,) = struct.unpack_from("!I", raw, 4)
    (scope,) = struct.unpack_from("=I", raw, 24)
    return socket.inet_ntop(socket.AF_INET6, raw[8:24]), port, flow, scope


def raw_address(host: str, port: int) -> Optional[bytes]:
    """An address as C has it; None for what is no address."""
    for family, before, after in ((socket.AF_INET, 0, 8), (socket.AF_INET6, 4, 4)):
        try:
            body = bytes(before) + socket.inet_pton(family, host) + bytes(after)
        except (OSError, ValueError):
            continue
        head = struct.pack("=BB", 4 + len(body), family) if sys.platform == "darwin" else struct.pack("=H", family)
        return head + struct.pack("!H", port) + body
    return None


def _text(what: str, text: str) -> bytes:
    if "\0" in text:
        raise Error(f"{what}: a NUL is in it: {text!r}", ErrorCode.ARGUMENT)
    # What is no Unicode is not UTF-8 either, and the library has a message for that.
    return text.encode(errors="surrogatepass")


def _call(function: Any, *arguments: object) -> Any:
    """Calls a function that has errstr, and returns NULL for an error."""
    errstr = ctypes.create_string_buffer(8192)
    with _logging.lines_afterwards():
        result = function(*arguments, errstr, len(errstr))
        code = _library.kafka_emr_last_error()
    if result is None:
        raise Error(errstr.value.decode(errors="replace"), ErrorCode(code))
    return result


def _taken(string: int) -> bytes:
    """A string that is the caller's to free."""
    try:
        return ctypes.string_at(string)
    finally:
        _library.kafka_emr_string_free(string)
