"""What code a module depends on, and a hash of it that comments and docstrings do not change.

Everything is read from the files; nothing is imported. The hash is the same on every supported
version of Python, so that results of different machines can be compared.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import re
import tomllib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

PACKAGE = "disentangle"
COSMETIC = (
    "disentangle.cache",
    "disentangle.checkpoints",
    "disentangle.cli",
    "disentangle.figures",
    "disentangle.imaging.catalogue",
    "disentangle.imaging.datasets",
    "disentangle.imaging.packs",
    "disentangle.runs",
    "disentangle.sdnet.figures",
)
"""Parts of the package that change how a result looks, is found or is kept, never the result.

What data sets hold is covered by their checksums, so the registry of data sets may grow.
"""

EQUIVALENT_FILE = Path(__file__).with_name("equivalent.toml")
"""Changes of code that change no result, each with its reason: see `equivalents`."""

_ANNOTATIONS_OF_PARSER = frozenset({"kind", "type_comment", "type_ignores"})


def closure_hash(module: str, exclude: tuple[str, ...] = ()) -> str:
    """Hash (sha256) over the code of a module and of everything of its package that it imports."""
    return modules_hash(closure(module, exclude))


def closure(module: str, exclude: tuple[str, ...] = ()) -> frozenset[str]:
    """Modules that importing ``module`` would need, itself included.

    Followed are modules of the package ``disentangle`` and of the module's own top package: absolute
    and relative imports, those inside functions, and the ``__init__`` of every package on the way.
    ``exclude`` are prefixes of module names that are left out and not followed.
    Raises ModuleNotFoundError where ``module`` itself has no file.
    """
    if _file(module) is None:
        raise ModuleNotFoundError(f"no source file for module {module!r}", name=module)
    return _followed([module], exclude)


def code_closure(text: str, exclude: tuple[str, ...] = ()) -> frozenset[str]:
    """Modules of the package that code outside of it, such as a notebook's, needs."""
    return _followed((name for name in imports_of(text) if _top(name) == PACKAGE), exclude)


def modules_hash(modules: Iterable[str]) -> str:
    """Hash (sha256) over the names and the code of some modules."""
    digest = hashlib.sha256()
    for name in sorted(modules):
        digest.update(f"{name} {_standing(name)}\n".encode())
    return digest.hexdigest()


def equivalents() -> dict[tuple[str, str], str]:
    """``before`` by (module, ``after``) of each declared change: code that refuses what used to fail later or silently.

    Weights and scores that were computed before such a change stay valid, so the module counts as if it still had its
    code of before. A change of what is computed does not belong here; nor does one that imports another module of the
    package, which changes the key in any case.
    """
    if not EQUIVALENT_FILE.is_file():
        return {}
    return _declared(EQUIVALENT_FILE, EQUIVALENT_FILE.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _declared(path: Path, mtime_ns: int) -> dict[tuple[str, str], str]:
    changes = tomllib.loads(path.read_text(encoding="utf-8")).get("change", [])
    return {(change["module"], change["after"]): change["before"] for change in changes}


def _standing(module: str) -> str:
    """The code hash that a module stands for: its own, or that before declared changes."""
    declared, code = equivalents(), _facts(module)[1]
    while (module, code) in declared:
        code = declared[module, code]
    return code


def code_hash(text: str) -> str:
    """Hash (sha256) over code as the parser sees it: no comments, docstrings, blank lines or layout."""
    return hashlib.sha256(_canonical(_without_docstrings(_parsed(text))).encode()).hexdigest()


def imports_of(text: str, package: str = "") -> frozenset[str]:
    """Names that code imports, as dotted names; ``from a import b`` gives ``a`` and ``a.b``.

    ``package`` resolves relative imports. What stands under ``if TYPE_CHECKING`` never runs and is left out.
    """
    names: set[str] = set()
    waiting: list[ast.AST] = [_parsed(text)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, package)
            names.update([base, *(f"{base}.{alias.name}" for alias in node.names if alias.name != "*")])
        elif isinstance(node, ast.If) and _is_type_checking(node.test):
            waiting.extend(node.orelse)
        else:
            waiting.extend(ast.iter_child_nodes(node))
    return frozenset(name for name in names if name)


def _followed(modules: Iterable[str], exclude: tuple[str, ...]) -> frozenset[str]:
    waiting, found = list(modules), set()
    tops = {PACKAGE, *map(_top, waiting)}
    while waiting:
        name = waiting.pop()
        if name in found or _top(name) not in tops or _excluded(name, exclude) or _file(name) is None:
            continue
        if name == PACKAGE:  # it holds the version alone, and a new version changes no result
            continue
        found.add(name)
        waiting.extend(_parents(name))
        waiting.extend(_facts(name)[0])
    return frozenset(found)


def _facts(module: str) -> tuple[frozenset[str], str]:
    """Imports and code hash of a module."""
    path = _file(module)
    state = path.stat()
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    return _facts_of_file(path, package, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=4096)
def _facts_of_file(path: Path, package: str, mtime_ns: int, size: int) -> tuple[frozenset[str], str]:
    text = path.read_text(encoding="utf-8")
    try:
        return imports_of(text, package), code_hash(text)
    except SyntaxError as error:
        raise SyntaxError(f"{path.name} does not parse: {error}") from error


def _file(module: str) -> Path | None:
    """Source file of a module; only its top package is looked up, nothing is imported."""
    top, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ValueError, ImportError):
        return None
    if spec is None:
        return None
    if not rest and spec.origin and spec.origin.endswith(".py"):
        return Path(spec.origin)
    for folder in spec.submodule_search_locations or ():
        base = Path(folder).joinpath(*rest)
        for path in (base / "__init__.py", base.with_name(base.name + ".py")):
            if path.is_file():
                return path
    return None


def _top(name: str) -> str:
    return name.partition(".")[0]


def _parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:i]) for i in range(1, len(parts))]


def _excluded(name: str, prefixes: tuple[str, ...]) -> bool:
    return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".") if package else []
    base = parts[: len(parts) - (node.level - 1)]
    return ".".join([*base, *([node.module] if node.module else [])])


def _is_type_checking(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def _parsed(text: str) -> ast.Module:
    """Parse code; IPython's magic lines count as calls, so that a changed one is noticed."""
    try:
        return ast.parse(text)
    except SyntaxError:
        magic = re.compile(r"^([ \t]*)([%!].*)$", re.MULTILINE)
        return ast.parse(magic.sub(lambda line: f"{line[1]}__magic__({line[2]!r})", text))


def _without_docstrings(tree: ast.Module) -> ast.Module:
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree):
        if isinstance(node, documented) and node.body and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return tree


def _canonical(node: object) -> str:
    """The tree as text. ``ast.dump`` would do but for its differences between versions of Python."""
    if isinstance(node, ast.AST):
        fields = (
            f"{name}={_canonical(value)}"
            for name, value in ast.iter_fields(node)
            if value is not None and value != [] and name not in _ANNOTATIONS_OF_PARSER
        )
        return f"{type(node).__name__}({','.join(fields)})"
    if isinstance(node, list):
        return f"[{','.join(map(_canonical, node))}]"
    return repr(node)
