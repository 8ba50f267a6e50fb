"""Docstrings in the numpydoc form, turned into MyST Markdown."""

from __future__ import annotations

import re
import textwrap

_SECTION = re.compile(r"^(?P<name>[A-Z][A-Za-z ]+)\n-{3,}\n", re.MULTILINE)
_ROLE = re.compile(r":[a-z:]+:`~?([^`]+)`")
_CODE = re.compile(r"``(.+?)``|`([^`]+)`", re.DOTALL)
_MARKS = re.compile(r"([\\*_\[\]<>$|#{}~^])")
LISTS = ("Parameters", "Attributes", "Returns", "Raises", "Yields")


def to_markdown(docstring: str) -> str:
    """The whole docstring: paragraphs as they are, lists of parameters and the like as definition lists."""
    before, *rest = _SECTION.split(docstring)
    parts = [_paragraphs(before)]
    for name, body in zip(rest[::2], rest[1::2], strict=True):
        parts.append(f"**{name}**")
        parts.append(_definitions(body) if name in LISTS else _paragraphs(body))
    return "\n\n".join(part for part in parts if part)


def _paragraphs(text: str) -> str:
    return "\n\n".join(_paragraph(part) for part in re.split(r"\n\s*\n", text.strip("\n")) if part.strip())


def _paragraph(text: str) -> str:
    if text.lstrip().startswith(">>>") or text.startswith("    "):
        return f"```python\n{textwrap.dedent(text)}\n```"
    return inline(" ".join(line.strip() for line in text.splitlines()))


def inline(text: str) -> str:
    """Running text: code stays code, and nothing else is read as markup."""
    text = _ROLE.sub(r"``\1``", text)
    pieces, end = [], 0
    for code in _CODE.finditer(text):
        pieces += [_MARKS.sub(r"\\\1", text[end : code.start()]), f"`{' '.join((code[1] or code[2]).split())}`"]
        end = code.end()
    return _guarded("".join([*pieces, _MARKS.sub(r"\\\1", text[end:])]))


def _guarded(text: str) -> str:
    """A line that begins like a list, a heading or a definition, made plain."""
    return re.sub(r"^(\s*)([-+:]|\d+[.)])(\s)", r"\1\\\2\3", text)


def _definitions(body: str) -> str:
    """``name : type`` lines with indented text below, as a definition list."""
    entries: list[tuple[str, list[str]]] = []
    for line in textwrap.dedent(body).strip("\n").splitlines():
        if line.strip() and not line.startswith(" "):
            entries.append((line.strip(), []))
        elif entries:
            entries[-1][1].append(line.strip())
    return "\n\n".join(_definition(term, " ".join(text).strip()) for term, text in entries)


def _definition(term: str, text: str) -> str:
    name, colon, kind = term.partition(" : ")
    head = f"`{name}` – {inline(kind)}" if colon else inline(term)
    return f"{head}\n: {inline(text)}" if text else head
