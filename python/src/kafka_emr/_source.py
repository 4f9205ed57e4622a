"""Sources and what overrides a description."""

from __future__ import annotations

import os
import pathlib
from typing import List, Optional, Tuple, Union

Source = Union[str, "os.PathLike[str]"]
"""A source as text, or the path of a description."""


def absolute(source: Source) -> str:
    """The source with its relative paths made absolute, so that it means the same after a chdir."""
    if isinstance(source, str):
        return ";".join(_absolute_part(part) for part in source.split(";"))
    if isinstance(source, os.PathLike):
        # A URL, because a path may have a semicolon in it.
        return pathlib.Path(source).absolute().as_uri()
    raise TypeError(f"source must be str or os.PathLike, not {type(source).__name__}")


def _absolute_part(part: str) -> str:
    part = part.strip()
    if not part or "://" in part or part[:4].lower() == "emr:":
        return part
    # The dots in it stay: ".." after a symbolic link is another folder.
    return os.path.join(os.getcwd(), part)


def overrides(
    network: Optional[str], bootstrap: Optional[str], strict: Optional[bool]
) -> List[Tuple[str, str]]:
    """The keys that are given, with their values as a description has them."""
    given: List[Tuple[str, str]] = []
    for key, value in (("network", network), ("bootstrap", bootstrap)):
        if value is not None:
            if not isinstance(value, str):
                raise TypeError(f"{key} must be str, not {type(value).__name__}")
            given.append((key, value))
    if strict is not None:
        if not isinstance(strict, bool):
            raise TypeError(f"strict must be bool, not {type(strict).__name__}")
        given.append(("strict", "true" if strict else "false"))
    return given
