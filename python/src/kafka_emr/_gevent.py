"""gevent's monkey-patching. When it comes after ``install()``, it replaces what is patched there."""

from __future__ import annotations

import importlib
from typing import Any, Callable, Hashable, Iterable, Iterator

from . import _sockets
from ._patch import Patch


class Subscription:
    """Has the sockets patched again each time gevent has patched them."""

    key: Hashable = "zope.event"

    def __init__(self, subscribers: Any, later: Callable[[Iterable[Patch]], None]) -> None:
        self._subscribers, self._later = subscribers, later

    def apply(self) -> None:
        """Subscribes."""
        if self._on_event not in self._subscribers:
            self._subscribers.append(self._on_event)

    def restore(self) -> None:
        """Unsubscribes."""
        if self._on_event in self._subscribers:
            self._subscribers.remove(self._on_event)

    def _on_event(self, event: object) -> None:
        # Other packages announce their events there as well.
        if type(event).__name__ == "GeventDidPatchModuleEvent" and getattr(event, "module_name", None) == "socket":
            self._later(_sockets.patches())


def subscriptions(later: Callable[[Iterable[Patch]], None]) -> Iterator[Subscription]:
    """The subscription, where gevent may be installed: it cannot do without zope.event."""
    try:
        yield Subscription(importlib.import_module("zope.event").subscribers, later)
    except ImportError:
        pass
