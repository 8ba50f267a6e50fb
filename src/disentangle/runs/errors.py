"""Errors of the run machinery that more than one of its parts raises."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class RunError(RuntimeError):
    """Something about a run or a page that its user has to mend."""


class UnknownName(KeyError):
    """A name that is not in a list, with the nearest one that is."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        near = difflib.get_close_matches(name, known, n=1)
        hint = f", did you mean {near[0]!r}?" if near else "."
        super().__init__(f"no {kind} {name!r}{hint} There are: {', '.join(known) or 'none'}")

    def __str__(self) -> str:
        return self.args[0]
