"""The API reference: signatures and docstrings of the package as MyST Markdown, read from the source alone."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from disentangle.runs.docstrings import to_markdown
from disentangle.runs.source_tree import Definition, Module, aliases_in, imported_names, public_methods, public_names

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
    own = {one.name: f"{module.name}.{one.name}" for one in module.public}
    known = {**imported_names(module.tree), **own}
    names = {local: name for local, name in known.items() if name in public_names()}
    copied = ast.parse(ast.unparse(node), mode="eval").body if isinstance(node, ast.expr) else node
    return _Renamed(names, aliases_in(module)).visit(copied)


class _Renamed(ast.NodeTransformer):
    """Puts full names in the place of local ones, and what an alias stands for in the place of the alias."""

    def __init__(self, names: dict[str, str], aliases: dict[str, ast.expr]) -> None:
        self.names = names
        self.aliases = aliases

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(arg=node.arg, annotation=self.visit(node.annotation) if node.annotation else None)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.aliases:
            without = {name: value for name, value in self.aliases.items() if name != node.id}
            return _Renamed(self.names, without).visit(ast.parse(ast.unparse(self.aliases[node.id]), mode="eval").body)
        return ast.Name(id=self.names.get(node.id, node.id), ctx=ast.Load())
