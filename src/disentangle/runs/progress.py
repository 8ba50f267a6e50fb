"""Tells the terminal how far a run has come."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from disentangle.runs import notebooks

if TYPE_CHECKING:
    from nbformat import NotebookNode

Say = Callable[[str], None]


def say_to_terminal(text: str) -> None:
    """Print a line of progress where it does not mix with results."""
    print(text, file=sys.stderr, flush=True)


class Progress:
    """Tells which cell is running, under which heading."""

    def __init__(self, name: str, nb: NotebookNode, say: Say, injected: bool = False) -> None:
        self.name, self.say = name, say
        self.total = sum(cell.cell_type == "code" for cell in nb.cells) + injected
        self.number, self.heading, self._said = 0, "", None
        self._began = time.monotonic()

    def cell_starts(self, cell: NotebookNode) -> None:
        """Take note of a cell that starts; said once a heading."""
        if cell.cell_type == "markdown":
            self.heading = notebooks.heading_of(cell.source) or self.heading
        elif cell.cell_type == "code":
            self.number += 1
            if self.heading != self._said:
                self._said = self.heading
                elapsed = time.monotonic() - self._began
                self.say(f"{self.name}  {elapsed:5.0f} s  cell {self.number:2d} of {self.total}  {self.heading}")

    def where(self) -> str:
        """The cell that ran last, in words."""
        heading = f", under '{self.heading}'" if self.heading else ""
        return f"code cell {self.number} of {self.total}{heading}"
