"""Attributes of others that are replaced, and put back."""

from __future__ import annotations

from typing import Any, Callable, Hashable

_ABSENT = object()


class Patch:
    """An attribute of a module or class that is replaced, and put back as it was.

    ``new`` makes the replacement from what is there.
    """

    def __init__(self, owner: Any, name: str, new: Callable[[Any], Any]) -> None:
        self._owner, self._name, self._new = owner, name, new
        self._replaced: object = _ABSENT
        self._ours: object = _ABSENT

    @property
    def key(self) -> Hashable:
        """What tells patches of different attributes apart."""
        return self._owner, self._name

    @property
    def _is_there(self) -> bool:
        return self._ours is not _ABSENT and vars(self._owner).get(self._name) is self._ours

    def apply(self) -> None:
        """Puts the replacement there, on top of what somebody else has put there since."""
        if not self._is_there:
            # An attribute that a class inherits is not its own.
            self._replaced = vars(self._owner).get(self._name, _ABSENT)
            self._ours = self._new(getattr(self._owner, self._name))
            setattr(self._owner, self._name, self._ours)

    def restore(self) -> None:
        """Puts back what was there. What somebody else has put on top stays, and ours under it does nothing more."""
        if self._is_there:
            if self._replaced is _ABSENT:
                delattr(self._owner, self._name)
            else:
                setattr(self._owner, self._name, self._replaced)
