"""The library's lines, in Python's ``logging``."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import select
import threading
from ctypes import CDLL, CFUNCTYPE, c_char_p, c_int, c_void_p
from types import TracebackType
from typing import List, Optional, Tuple, Type

logger = logging.getLogger("kafka_emr")

# The numbers are syslog's, as C has them.
LEVELS = {3: logging.ERROR, 4: logging.WARNING, 6: logging.INFO, 7: logging.DEBUG}
_NAMES = {logging.ERROR: "error", logging.WARNING: "warn", logging.INFO: "info", logging.DEBUG: "debug"}

CALLBACK = CFUNCTYPE(None, c_int, c_char_p, c_void_p)

_Line = Tuple[int, str]


class _Calls(threading.local):
    lines: Optional[List[_Line]] = None


_calls = _Calls()


class lines_afterwards:
    """Keeps the lines of the library's functions that this thread calls until the block ends.

    A logger may do anything, and in gevent's programs let others run, which is not for the middle of a call into C.
    """

    __slots__ = ("_before", "_lines")

    def __enter__(self) -> None:
        self._before = _calls.lines
        self._lines: List[_Line] = []
        _calls.lines = self._lines

    def __exit__(
        self,
        exception_type: Optional[Type[BaseException]],
        exception: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        _calls.lines = self._before
        for line in self._lines:
            _log(*line)


def _on_line(level: int, message: bytes, _opaque: object) -> None:
    line = (LEVELS.get(level, logging.WARNING), message.decode(errors="replace"))
    lines = _calls.lines
    if lines is None:
        # A thread of librdkafka's.
        _log(*line)
    else:
        lines.append(line)


def _log(level: int, message: str) -> None:
    if logger.hasHandlers():
        logger.log(level, "%s", message)
    else:
        # As the library writes it where nobody takes its lines: with no lock, which another thread could hold at a fork, and
        # without waiting for its reader.
        with contextlib.suppress(OSError):
            if select.select((), (2,), (), 0)[1]:
                line = f"kafka-emr: {_NAMES[level]}: {message}".encode(errors="replace")
                os.write(2, line[: select.PIPE_BUF - 1] + b"\n")


_CALLBACK = CALLBACK(_on_line)


def start(library: CDLL) -> None:
    """Has the library hand its lines over, as long as there is an interpreter to take them."""

    def begin() -> None:
        library.kafka_emr_set_log_cb(_CALLBACK, None)

    def end() -> None:
        # It waits for threads that are inside, which may need the interpreter's lock: ctypes lets go of it.
        library.kafka_emr_set_log_cb(CALLBACK(), None)

    begin()
    # A thread that is not Python's must not come in once the interpreter ends.
    atexit.register(end)
    # The library waits for threads of the process that has set the callback.
    os.register_at_fork(after_in_child=begin)
