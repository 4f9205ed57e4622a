"""What puts the clusters' names under a whole program."""

from __future__ import annotations

import os
import threading
from types import TracebackType
from typing import Dict, Hashable, Iterable, NoReturn, Optional, Type, Union

from . import _clusters, _gevent, _sockets
from ._patch import Patch
from ._resolver import Resolver
from ._source import Source

_Undoable = Union[Patch, _gevent.Subscription]

_lock = threading.Lock()
_patches: Dict[Hashable, _Undoable] = {}


class Installation:
    """What ``kafka_emr.install()`` did; ``undo()``, or the end of a ``with``, takes it back."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._handle = resolver._open()

    @property
    def bootstrap_servers(self) -> str:
        """The value for bootstrap_servers: the brokers by long domain, wherever one is known, so that a cluster whose
        addresses change is found again.

        Raises ``kafka_emr.Error`` for a source of several clusters, whose clients set their brokers themselves.
        """
        return self._handle.client_bootstrap_servers()

    def undo(self) -> None:
        """Takes this installation back, and leaves the others. A second time it does nothing."""
        with _lock:
            if not _clusters.remove(self._handle):
                _restore()

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

    ``socket.getaddrinfo``, ``socket.socket.connect`` and ``connect_ex``, and ``getaddrinfo`` and ``create_connection`` of
    uvloop's event loops, answer for the cluster's names and addresses; for all others they do what they did. Loops, and
    gevent's sockets, are reached whether they come before or after. Names in TLS stay what they are. Several clusters can
    be installed at once, and undone in any order; where two know a name, the later one answers.

    A process that is forked has it; one that is spawned calls ``install()`` itself.

    ``network`` ("private" or "public"), ``bootstrap`` ("addresses" or "names") and ``strict`` override the description.
    Without ``network``, ``network=`` in the source counts, then KAFKA_EMR_NETWORK in the environment.
    Raises ``kafka_emr.Error`` when something is wrong with the source or the description, and in an event loop whose
    connections it cannot reach.
    """
    # It needs asyncio, which takes longer to import than all the rest.
    from . import _loops

    _loops.check_running_loop()
    installation = Installation(Resolver(source, network=network, bootstrap=bootstrap, strict=strict))
    with _lock:
        _clusters.add(installation._handle)
        try:
            _apply(_sockets.patches())
            _apply(_loops.patches(_patch))
            _apply(_gevent.subscriptions(_patch))
        except BaseException:
            if not _clusters.remove(installation._handle):
                _restore()
            raise
    return installation


def _apply(patches: Iterable[_Undoable]) -> None:
    """Patches, and remembers it. The caller holds the lock."""
    for patch in patches:
        # One that is known is applied again: somebody may have taken it away.
        _patches.setdefault(patch.key, patch).apply()


def _restore() -> None:
    """Puts all back as it was. The caller holds the lock."""
    for patch in _patches.values():
        patch.restore()
    _patches.clear()


def _patch(patches: Iterable[Patch]) -> None:
    """Patches what others have brought since."""
    with _lock:
        _apply(patches)


def _renew_lock() -> None:
    global _lock
    _lock = threading.Lock()


# Another thread may hold it at a fork, and is not in the child.
os.register_at_fork(after_in_child=_renew_lock)
