"""Figures that move without a kernel: every state is computed beforehand, the browser only chooses among them.

A figure is a JSON file in ``book/moving/``, written by ``disentangle moving`` with a function that ``book/moving.yml``
names. The directive ``{moving-figure} NAME`` puts it on a page, with a still picture for readers without scripts.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from disentangle.runs import pages, project
from disentangle.runs.checksums import load_function
from disentangle.runs.errors import UnknownName
from disentangle.runs.files import write_atomically

FIGURES_FILE = Path("book") / "moving.yml"
FOLDER = Path("book") / "moving"
MARK = 'class="moving"'
LARGEST_BYTES = 700_000


@dataclass(frozen=True)
class Slider:
    """What a reader sets: ``values`` as shown, ``start`` the first chosen one; words make a list to choose from."""

    label: str
    values: tuple[str, ...]
    unit: str = ""
    start: int = 0
    words: bool = False


@dataclass(frozen=True)
class Part:
    """What some of the sliders decide: ``by`` their numbers, ``states`` by their positions, joined with commas.

    A state has ``traces`` (one dict a trace, merged into it), ``shapes``, and ``said``, a sentence for everybody.
    """

    by: tuple[int, ...]
    states: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Moving:
    """A figure with its sliders; ``traces`` and ``layout`` are plotly's, without what the states decide.

    ``still`` is a PNG for those who have no scripts, ``alt`` what it shows, ``made_of`` the pages whose models or
    cells it shows.
    """

    title: str
    caption: str
    alt: str
    sliders: tuple[Slider, ...]
    traces: tuple[dict[str, Any], ...]
    layout: dict[str, Any]
    parts: tuple[Part, ...]
    still: bytes
    made_of: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        for part in self.parts:
            wanted = {key(at) for at in product(*(range(len(self.sliders[n].values)) for n in part.by))}
            if wanted != set(part.states):
                raise ValueError(f"{self.title}: sliders {part.by} need {len(wanted)} states, found {len(part.states)}")


def key(positions: Sequence[int]) -> str:
    """The name of a state."""
    return ",".join(map(str, positions))


def png(data: bytes) -> str:
    """A PNG as an address that holds it."""
    return "data:image/png;base64," + base64.b64encode(data).decode()


def figures() -> dict[str, str]:
    """The functions of the moving figures, ``module:function``, by name."""
    path = project.root() / FIGURES_FILE
    return yaml.safe_load(path.read_text(encoding="utf8"))["figures"] if path.is_file() else {}


def draw(name: str) -> Path:
    """Compute a figure and write its file; UnknownName for another name, ValueError for a figure that is too big."""
    known = figures()
    if name not in known:
        raise UnknownName("moving figure", name, known)
    figure: Moving = load_function(known[name])()
    stored = asdict(figure) | {"still": png(figure.still), "made_of": _keys(figure.made_of)}
    text = json.dumps(stored, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"
    if len(text) > LARGEST_BYTES:
        raise ValueError(
            f"{name} takes {len(text):,} bytes, expected at most {LARGEST_BYTES:,}: fewer or smaller states"
        )
    return write_atomically(project.root() / FOLDER / f"{name}.json", text)


def why_stale(stored: dict[str, Any]) -> list[str]:
    """Pages of this project whose record is no longer the one that a figure was drawn from."""
    known = pages.pages()
    return [page for page, before in stored["made_of"].items() if page in known and _keys([page])[page] != before]


def figure_html(name: str, stored: dict[str, Any]) -> str:
    """The figure as it stands in a page: still picture and caption at once, the rest when the script has run."""
    alt, caption = html.escape(stored["alt"], quote=True), html.escape(stored["caption"])
    data = {part: stored[part] for part in ("sliders", "traces", "layout", "parts", "alt")}
    packed = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
    return (
        f'<figure {MARK} id="moving-{name.replace("_", "-")}">'
        f'<img class="moving-still" src="{stored["still"]}" alt="{alt}">'
        f'<script type="application/json">{packed}</script>'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _keys(names: Sequence[str]) -> dict[str, str]:
    """The keys of the records of pages; ValueError for a page that was never published."""
    records = {name: pages.record_of(pages.page(name)) for name in names}
    unpublished = [name for name, record in records.items() if record is None]
    if unpublished:
        raise ValueError(f"pages {', '.join(unpublished)} were never published")
    return {name: record["key"] for name, record in records.items()}
