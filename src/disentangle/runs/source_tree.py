"""The package as its source files tell it, read without importing anything: modules, and what is public in them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import disentangle

PACKAGE = Path(disentangle.__file__).parent
ROOT = PACKAGE.name

Definition = ast.FunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Module:
    """One module: its dotted name, its file, its parsed source."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def docstring(self) -> str:
        return ast.get_docstring(self.tree) or ""

    @property
    def public(self) -> list[Definition]:
        """Functions and classes that it defines for others, in the order of the file."""
        return list(_public(self.tree.body).values())


def modules_of(package: str) -> list[Module]:
    """The modules of a package, or the one module of that name, without those that have nothing public.

    Raises FileNotFoundError where the source has neither.
    """
    place = PACKAGE.joinpath(*package.split(".")[1:])
    files = sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    read = (read_module(path) for path in files)
    return [module for module in read if module.public]


@cache
def read_module(path: Path) -> Module:
    """The module in a file of the package."""
    parts = (ROOT, *path.relative_to(PACKAGE).with_suffix("").parts)
    name = ".".join(part for part in parts if part != "__init__")
    return Module(name, path, ast.parse(path.read_text(encoding="utf8")))


def public_methods(definition: ast.ClassDef) -> list[ast.FunctionDef]:
    """The documented public methods and properties of a class."""
    found = _public(definition.body).values()
    return [one for one in found if isinstance(one, ast.FunctionDef) and ast.get_docstring(one)]


@cache
def public_names() -> frozenset[str]:
    """Dotted names of everything public in the package, modules included."""
    return frozenset(name for path in PACKAGE.rglob("*.py") for name in _names(read_module(path)))


def _names(module: Module) -> Iterator[str]:
    if module.public:
        yield module.name
    for one in module.public:
        yield f"{module.name}.{one.name}"


def _public(body: list[ast.stmt]) -> dict[str, Definition]:
    defined = (node for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef))
    return {node.name: node for node in defined if not node.name.startswith("_")}


def aliases_in(module: Module) -> dict[str, ast.expr]:
    """Names of types that a module spells out elsewhere, its own and imported ones: name -> what it stands for."""
    names = full_names(module)
    own = {
        node.targets[0].id: Renamed(names).visit(parsed_again(node.value))
        for node in module.tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and _is_alias(node.targets[0].id)
    }
    imported = {}
    for local, dotted in imported_names(module.tree).items():
        home, _, name = dotted.rpartition(".")
        path = PACKAGE.joinpath(*home.split(".")[1:]).with_suffix(".py")
        if _is_alias(local) and dotted not in public_names() and path.is_file():
            spelt_out = aliases_in(read_module(path)).get(name)
            imported |= {local: spelt_out} if spelt_out else {}
    return {**imported, **own}


def full_names(module: Module) -> dict[str, str]:
    """Public things of this package by what a module calls them: those it defines, and those it imports."""
    known = {**imported_names(module.tree), **{one.name: f"{module.name}.{one.name}" for one in module.public}}
    return {local: name for local, name in known.items() if name in public_names()}


def parsed_again(node: ast.expr) -> ast.expr:
    """A copy of an expression that may be changed."""
    return ast.parse(ast.unparse(node), mode="eval").body


class Renamed(ast.NodeTransformer):
    """Puts full names in the place of local ones, and what an alias stands for in the place of the alias."""

    def __init__(self, names: dict[str, str], aliases: dict[str, ast.expr] | None = None) -> None:
        self.names = names
        self.aliases = aliases or {}

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(arg=node.arg, annotation=self.visit(node.annotation) if node.annotation else None)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.aliases:
            without = {name: value for name, value in self.aliases.items() if name != node.id}
            return Renamed(self.names, without).visit(parsed_again(self.aliases[node.id]))
        return ast.Name(id=self.names.get(node.id, node.id), ctx=ast.Load())


def _is_alias(name: str) -> bool:
    return name[0].isupper() and not name.isupper()


def imported_names(tree: ast.Module) -> dict[str, str]:
    """What the imports of a module call things of this package: local name -> dotted name."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == ROOT:
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return found


def used_names(code: str) -> list[str]:
    """Public names of the package that a piece of code uses, in the order of their first use."""
    tree = ast.parse(code)
    imported = imported_names(tree)
    used = [_dotted(node, imported) for node in ast.walk(tree) if isinstance(node, ast.Attribute | ast.Name)]
    modules = {name for name in public_names() if (PACKAGE.joinpath(*name.split(".")[1:]).with_suffix(".py")).is_file()}
    return [name for name in dict.fromkeys(used) if name in public_names() and name not in modules]


def _dotted(node: ast.Attribute | ast.Name, imported: dict[str, str]) -> str | None:
    if isinstance(node, ast.Name):
        return imported.get(node.id)
    if isinstance(node.value, ast.Name) and node.value.id in imported:
        return f"{imported[node.value.id]}.{node.attr}"
    return None
