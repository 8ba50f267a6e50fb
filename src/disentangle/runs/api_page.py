"""The API reference: signatures and docstrings of the package as MyST Markdown, read from the source alone."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from disentangle.runs.docstrings import to_markdown
from disentangle.runs.source_tree import (
    Definition,
    Module,
    Renamed,
    aliases_in,
    full_names,
    parsed_again,
    public_methods,
)

OPTIONS = ":no-index-entry:"


def api_markdown(modules: Iterable[Module]) -> str:
    """A section a module: what lives there, then its public functions and classes."""
    return "\n\n".join(_module(module) for module in modules)


def _module(module: Module) -> str:
    short = module.name.partition(".")[2]
    described = (_described(one, module) for one in module.public)
    head = [f"## {short}", f"```{{py:module}} {module.name}\n```", to_markdown(module.docstring)]
    return "\n\n".join([*head, *described])


def _described(one: Definition, module: Module) -> str:
    if isinstance(one, ast.FunctionDef):
        return _directive("function", _signature(one, module), _text(one), ticks=5)
    methods = [
        _directive("property" if _is_property(method) else "method", _signature(method, module), _text(method), ticks=5)
        for method in public_methods(one)
    ]
    return _directive("class", f"{one.name}{_fields(one, module)}", "\n\n".join([_text(one), *methods]), ticks=6)


def _directive(kind: str, signature: str, text: str, ticks: int) -> str:
    fence = "`" * ticks
    return f"{fence}{{py:{kind}}} {signature}\n{OPTIONS}\n\n{text}\n{fence}"


def _text(one: Definition) -> str:
    return to_markdown(ast.get_docstring(one) or "")


def _is_property(method: ast.FunctionDef) -> bool:
    return any(ast.unparse(mark).endswith("property") for mark in method.decorator_list)


def _signature(one: ast.FunctionDef, module: Module) -> str:
    if _is_property(one):
        return one.name
    arguments = ast.unparse(_qualified(one.args, module))
    inside = [name.strip() for name in arguments.split(",", 1)]
    if inside and inside[0].partition(":")[0] in ("self", "cls"):
        arguments = inside[1] if len(inside) > 1 else ""
    returned = f" -> {ast.unparse(_qualified(one.returns, module))}" if one.returns else ""
    return f"{one.name}({arguments}){returned}"


def _fields(one: ast.ClassDef, module: Module) -> str:
    """The arguments of a dataclass, or of a written ``__init__``; nothing for other classes."""
    written = next((n for n in one.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"), None)
    if written:
        return _signature(written, module).removeprefix("__init__").partition(" -> ")[0]
    if not any("dataclass" in ast.unparse(mark) for mark in one.decorator_list):
        return ""
    fields = (node for node in one.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name))
    return f"({', '.join(_field(field, module) for field in fields)})"


def _field(field: ast.AnnAssign, module: Module) -> str:
    default = f" = {ast.unparse(field.value)}" if field.value else ""
    return f"{field.target.id}: {ast.unparse(_qualified(field.annotation, module))}{default}"


def _qualified(node: ast.AST, module: Module) -> ast.AST:
    """The same annotations with types of this package called by their full names, so that they become links."""
    copied = parsed_again(node) if isinstance(node, ast.expr) else node
    return Renamed(full_names(module), aliases_in(module)).visit(copied)
