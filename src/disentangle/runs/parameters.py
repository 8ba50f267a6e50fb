"""The parameters that a notebook declares: their types, bounds and defaults, and what is given for them.

One declaration a line in the cell tagged ``parameters``, in the form that papermill can read as well::

    steps: Optional[int] = None  # 1..100000; training steps, None: the profile's
"""

from __future__ import annotations

import ast
import difflib
import io
import math
import re
import tokenize
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TYPES: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool}
_NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"({_NUMBER})?\s*\.\.\s*({_NUMBER})?")
_WORD = re.compile(r"[\w.+-]+")
_CHOICES = re.compile(r"[\w.+-]+(?:\s*\|\s*[\w.+-]+)+")


class ParameterError(ValueError):
    """All that is wrong with declared or given parameters, one problem a line."""

    def __init__(self, where: str, problems: list[str]) -> None:
        self.problems = problems
        super().__init__(f"{where}:\n" + "\n".join(f"  {problem}" for problem in problems))


@dataclass(frozen=True)
class Parameter:
    """One declared parameter.

    ``type`` is as written (``int``, ``Optional[int]``); ``choices`` is empty and ``low``, ``high`` are None
    where the values are not bounded that way; both bounds belong to the range.
    """

    name: str
    type: str
    default: Any
    choices: tuple = ()
    low: float | None = None
    high: float | None = None
    help: str = ""

    @property
    def optional(self) -> bool:
        return self.type.startswith("Optional[")

    @property
    def base(self) -> type:
        """The type of a value that is not None."""
        return TYPES[self.type.removeprefix("Optional[").removesuffix("]")]

    @property
    def domain(self) -> str:
        """Allowed values as written in the declaration."""
        if self.choices:
            return " | ".join(map(str, self.choices))
        if self.low is None and self.high is None:
            return ""
        return "..".join("" if bound is None else f"{bound:.15g}" for bound in (self.low, self.high))

    def convert(self, value: Any) -> Any:
        """The value in the declared type; ValueError that says what is wrong with it.

        Text is converted, as it comes from a command line; a number is never cut to fit.
        """
        if value is None or (self.optional and isinstance(value, str) and value.lower() == "none"):
            if self.optional:
                return None
            raise ValueError(f"{self.name} must be {self.type}, not None")
        converted = _as_type(value, self.base)
        if converted is None:
            raise ValueError(f"{self.name} must be {self.type}, not {value!r}")
        self._check_domain(converted)
        return converted

    def _check_domain(self, value: Any) -> None:
        if self.choices and value not in self.choices:
            near = difflib.get_close_matches(str(value), map(str, self.choices), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"{self.name} is {value!r}, but must be one of {self.domain}{hint}")
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        if isinstance(value, (int, float)) and not low <= value <= high:
            raise ValueError(f"{self.name} is {value!r}, but must lie in {self.domain}")


def parameter_table(notebook: str | Path) -> list[Parameter]:
    """Parameters of a notebook, by its name in the project or by a path to ``.py`` or ``.ipynb``."""
    from disentangle.runs import notebooks

    path = notebooks.source_file(notebook)
    tagged = [cell.source for cell in notebooks.light_cells(path) if "parameters" in cell.tags]
    if len(tagged) > 1:
        raise ParameterError(path.name, [f"{len(tagged)} cells are tagged 'parameters', expected one"])
    return parse_declarations(tagged[0], path.name) if tagged else []


def parse_declarations(text: str, where: str = "parameters") -> list[Parameter]:
    """Parameters from the text of a parameters cell; ParameterError with all that is wrong with it."""
    comments, lines = _comments(text), text.splitlines()
    found, problems = [], []
    for statement in ast.parse(text).body:
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            continue
        line = lines[statement.lineno - 1]
        try:
            parameter = _declaration(statement, line, comments.get(statement.lineno, ""))
            if any(parameter.name == other.name for other in found):
                raise ValueError(f"{parameter.name} is declared twice")
            found.append(parameter)
        except ValueError as error:
            problems.append(f"line {statement.lineno}: {error}")
    if problems:
        raise ParameterError(where, problems)
    return found


def validate(declared: list[Parameter], given: Mapping[str, Any], where: str = "parameters") -> dict[str, Any]:
    """Values of all parameters: the given ones in their types, the defaults of the others.

    Raises ParameterError that lists every unknown name (with the nearest right one), wrong type and
    value out of range.
    """
    known = {parameter.name: parameter for parameter in declared}
    values = {parameter.name: parameter.default for parameter in declared}
    problems = []
    for name, value in given.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f", did you mean {near[0]!r}?" if near else "."
            problems.append(f"no parameter {name!r}{hint} There are: {', '.join(known) or 'none'}")
            continue
        try:
            values[name] = known[name].convert(value)
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise ParameterError(where, problems)
    return values


def check_namespace(cells: Iterable[str], namespace: Mapping[str, Any], where: str = "this notebook") -> None:
    """Check what a kernel holds against the declarations among the ``cells`` that it has run.

    For runs that nobody checked before (plain papermill, or a cell changed by hand). Raises ParameterError. Cells that
    declare nothing, and names that were deleted, are passed over.
    """
    for text in cells:
        if not _declares(text):
            continue
        declared = parse_declarations(text, f"parameters of {where}")
        held = {one.name: namespace[one.name] for one in declared if one.name in namespace}
        validate(declared, held, f"parameters of {where}")


def _declares(text: str) -> bool:
    """Whether a cell is one of parameters: imports and annotated assignments only, ``profile`` among them."""
    try:
        body = [one for one in ast.parse(text).body if not isinstance(one, (ast.Import, ast.ImportFrom))]
    except SyntaxError:
        return False
    assigned = [one.target.id for one in body if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)]
    return "profile" in assigned and len(assigned) == len(body)


def format_table(parameters: list[Parameter]) -> str:
    """The table that ``disentangle describe`` prints."""
    rows = [("parameter", "type", "default", "allowed", "meaning")]
    rows += [(p.name, p.type, repr(p.default), p.domain, p.help) for p in parameters]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    return "\n".join(
        "  ".join([*(text.ljust(width) for text, width in zip(row[:4], widths, strict=True)), row[4]]).rstrip()
        for row in rows
    )


def _declaration(statement: ast.stmt, line: str, comment: str) -> Parameter:
    if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
        raise ValueError(f"expected 'name: type = default  # domain; help', found {line.strip()!r}")
    name, written = statement.target.id, ast.unparse(statement.annotation)
    if written.removeprefix("Optional[").removesuffix("]") not in TYPES:
        raise ValueError(f"{name}: type {written} is none of {', '.join(TYPES)} or Optional[...] of these")
    if statement.value is None or statement.end_lineno != statement.lineno:
        raise ValueError(f"{name}: its default must stand on the same line")
    if line.count("=") != 1:
        raise ValueError(f"{name}: a second '=' in its line (in the help, say) keeps papermill from reading it")
    try:
        default = ast.literal_eval(statement.value)
    except ValueError:
        raise ValueError(f"{name}: the default must be a plain value, found {line.strip()!r}") from None
    bare = Parameter(name, written, None)
    choices, low, high, text = _domain_and_help(comment, bare.base)
    declared = Parameter(name, written, None, choices, low, high, text)
    if isinstance(default, str) and bare.base is not str:
        raise ValueError(f"{name}: the default {default!r} is not {written}")
    return Parameter(name, written, declared.convert(default), choices, low, high, text)


def _domain_and_help(comment: str, base: type) -> tuple[tuple, float | None, float | None, str]:
    """Choices, bounds and help from ``a | b; help``, ``lo..hi; help`` or ``help``; ``a; help``: text with one value."""
    domain, semicolon, text = (part.strip() for part in comment.partition(";"))
    if not semicolon:
        text = ""
    if _CHOICES.fullmatch(domain):
        choices = tuple(_as_type(word.strip(), base) for word in domain.split("|"))
        if None in choices:
            raise ValueError(f"the choices {domain!r} are not all {base.__name__}")
        return choices, None, None, text
    if semicolon and base is str and _WORD.fullmatch(domain):
        return (domain,), None, None, text
    bounds = _RANGE.fullmatch(domain)
    if bounds and base in (int, float):
        low, high = (None if bound is None else float(bound) for bound in bounds.groups())
        return (), low, high, text
    return (), None, None, comment.strip()


def _as_type(value: Any, base: type) -> Any:
    """The value as ``base``, or None where that would change it."""
    if isinstance(value, bool) or base is bool:
        words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        if base is not bool:
            return None
        return value if isinstance(value, bool) else words.get(str(value).lower())
    if base is str:
        return value if isinstance(value, str) else None
    if not isinstance(value, (str, int, float)) or (base is int and isinstance(value, float)):
        return None
    try:
        number = base(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _comments(text: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return {token.start[0]: token.string.lstrip("# ").strip() for token in tokens if token.type == tokenize.COMMENT}
