"""gevent's monkey-patching. When it comes after ``install()``, it replaces what is patched there."""

from __future__ import annotations

import importlib
from typing import Any, Callable, Hashable, Iterator


class Subscription:
    """A function that is called each time gevent has patched the module ``socket``."""

    key: Hashable = "zope.event"

    def __init__(self, subscribers: Any, patched: Callable[[], None]) -> None:
        self._subscribers, self._patched = subscribers, patched

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
            self._patched()


def subscriptions(patched: Callable[[], None]) -> Iterator[Subscription]:
    """The subscription, where gevent may be installed: it cannot do without zope.event."""
    try:
        yield Subscription(importlib.import_module("zope.event").subscribers, patched)
    except ImportError:
        pass
