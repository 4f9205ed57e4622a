"""Attributes of others that are replaced, and put back."""

from __future__ import annotations

from typing import Any, Callable, Hashable, List, Tuple

_ABSENT = object()


class Patch:
    """An attribute of a module or class that is replaced, and put back as it was.

    ``new`` makes the replacement from what is there.
    """

    def __init__(self, owner: Any, name: str, new: Callable[[Any], Any]) -> None:
        self._owner, self._name, self._new = owner, name, new
        # Replacements, each with what it replaced: another one comes on top when somebody else has replaced the last one.
        self._layers: List[Tuple[object, object]] = []

    @property
    def key(self) -> Hashable:
        """Distinguishes patches of different attributes."""
        return self._owner, self._name

    def _replaced(self) -> List[object]:
        """What the replacement that is there has replaced; nothing if none is there."""
        there = vars(self._owner).get(self._name)
        return [replaced for ours, replaced in self._layers if ours is there]

    def apply(self) -> None:
        """Puts the replacement there, on top of what somebody else has put there since."""
        if not self._replaced():
            # An attribute that a class inherits is not its own.
            replaced = vars(self._owner).get(self._name, _ABSENT)
            ours = self._new(getattr(self._owner, self._name))
            self._layers.append((ours, replaced))
            setattr(self._owner, self._name, ours)

    def restore(self) -> None:
        """Puts back what was there. What somebody else has put on top stays, and ours under it does nothing more."""
        for replaced in self._replaced():
            if replaced is _ABSENT:
                delattr(self._owner, self._name)
            else:
                setattr(self._owner, self._name, replaced)
