"""Event loops that look names up and connect by themselves, as uvloop's do.

asyncio's own loops call ``socket.getaddrinfo`` and ``socket.connect``, and need nothing. A loop that is not built on them
derives from ``asyncio.AbstractEventLoop`` all the same, as a class that Python code may change. One that is built on them may
look names up by itself.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import socket
from typing import Any, Callable, Iterable, Iterator, List, Type

from ._clusters import answered, destination, lookup
from ._library import Error, ErrorCode
from ._patch import Patch
from ._sockets import python_entry


def patches(later: Callable[[Iterable[Patch]], None]) -> Iterator[Patch]:
    """What is to be patched now. ``later`` is called with what is to be patched of each class that is defined later."""
    yield Patch(asyncio.AbstractEventLoop, "__init_subclass__", functools.partial(_new_init_subclass, later))
    for loop_class in _below(asyncio.AbstractEventLoop):
        yield from _patches_of(loop_class)


def _below(loop_class: Type[Any]) -> Iterator[Type[Any]]:
    """The classes that derive from a class."""
    for derived in loop_class.__subclasses__():
        yield derived
        yield from _below(derived)


def _patches_of(loop_class: Type[Any]) -> Iterator[Patch]:
    """What is to be patched of a class of loops: methods of its own, and of bases that are no loops, as uvloop's is in C."""
    if loop_class.__module__.partition(".")[0] == "asyncio":
        return
    bases = itertools.takewhile(lambda base: not issubclass(base, asyncio.AbstractEventLoop), loop_class.__mro__[1:])
    own = {name for owner in (loop_class, *bases) for name in vars(owner)}
    if "getaddrinfo" in own:
        yield Patch(loop_class, "getaddrinfo", _new_getaddrinfo)
    # Where asyncio's is behind it, Python's own sockets connect.
    if "create_connection" in own and not issubclass(loop_class, asyncio.BaseEventLoop):
        yield Patch(loop_class, "create_connection", _new_create_connection)


def check_running_loop() -> None:
    """Raises Error in an event loop that cannot be reached."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return
    if not isinstance(loop, asyncio.AbstractEventLoop):
        loop_class = f"{type(loop).__module__}.{type(loop).__qualname__}"
        raise Error(
            f"{loop_class}: install() cannot reach the connections of this event loop, which is no asyncio.AbstractEventLoop: "
            "use asyncio's own event loop or uvloop.Loop, or run the program with `kafka-emr exec`",
            ErrorCode.CONFIGURATION,
        )


def _new_init_subclass(later: Callable[[Iterable[Patch]], None], _original: object) -> Any:
    @classmethod  # type: ignore[misc]
    def __init_subclass__(cls: Type[Any], **arguments: Any) -> None:
        super(asyncio.AbstractEventLoop, cls).__init_subclass__(**arguments)
        later(_patches_of(cls))

    return __init_subclass__


def _new_getaddrinfo(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    async def getaddrinfo(
        self: Any, host: Any, port: Any, *, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> Any:
        entries = lookup(host, port, family, type, proto, flags)
        if entries is None:
            return await original(self, answered(host), port, family=family, type=type, proto=proto, flags=flags)
        return [python_entry(entry) for entry in entries]

    return getaddrinfo


def _new_create_connection(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    async def create_connection(
        self: Any, protocol_factory: Any, host: Any = None, port: Any = None, **options: Any
    ) -> Any:
        asked = [options.get(key) or 0 for key in ("family", "proto", "flags")]
        entries = None
        if options.get("sock") is None:
            entries = lookup(host, port, asked[0], socket.SOCK_STREAM, *asked[1:])
        addresses = [entry.address[:2] for entry in entries or ()] or [(host, port)]
        addresses = [destination(socket.SOCK_STREAM, *address) for address in addresses]
        if addresses == [(host, port)]:
            return await original(self, protocol_factory, answered(host), port, **options)
        if options.get("ssl") and options.get("server_hostname") is None:
            # What the loop would do: the name that was asked for, not where it leads.
            options["server_hostname"] = host
        failed: List[OSError] = []
        for address, to_port in addresses:
            try:
                return await original(self, protocol_factory, answered(address), to_port, **options)
            except OSError as error:
                failed.append(error)
        if len(failed) == 1:
            raise failed[0]
        raise OSError(f"Multiple exceptions: {', '.join(map(str, failed))}")

    return create_connection
