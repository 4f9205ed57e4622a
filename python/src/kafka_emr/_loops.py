"""Event loops that look names up and connect by themselves, as uvloop's do.

asyncio's own loops call ``socket.getaddrinfo`` and ``socket.connect``, and need nothing. A loop that is not built on them
derives from ``asyncio.AbstractEventLoop`` all the same, as a class that Python code may change.
"""

from __future__ import annotations

import asyncio
import functools
import socket
from typing import Any, Callable, Iterable, Iterator, List, Type

from ._clusters import destination, lookup
from ._library import Error, ErrorCode
from ._patch import Patch
from ._sockets import python_entry


def patches(later: Callable[[Iterable[Patch]], None]) -> Iterator[Patch]:
    """What is to be patched now. ``later`` is called with what is to be patched of each class that is defined later."""
    yield Patch(asyncio.AbstractEventLoop, "__init_subclass__", functools.partial(_new_init_subclass, later))
    for loop_class in asyncio.AbstractEventLoop.__subclasses__():
        yield from _patches_of(loop_class)


def _patches_of(loop_class: Type[Any]) -> Iterator[Patch]:
    """What is to be patched of a class of loops. Those that derive from it have it from there."""
    if asyncio.AbstractEventLoop in loop_class.__bases__ and loop_class is not asyncio.BaseEventLoop:
        yield Patch(loop_class, "getaddrinfo", _new_getaddrinfo)
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
            return await original(self, host, port, family=family, type=type, proto=proto, flags=flags)
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
            return await original(self, protocol_factory, host, port, **options)
        if options.get("ssl") and options.get("server_hostname") is None:
            # What the loop would do: the name that was asked for, not where it leads.
            options["server_hostname"] = host
        failed: List[OSError] = []
        for address in addresses:
            try:
                return await original(self, protocol_factory, *address, **options)
            except OSError as error:
                failed.append(error)
        if len(failed) == 1:
            raise failed[0]
        raise OSError(f"Multiple exceptions: {', '.join(map(str, failed))}")

    return create_connection
