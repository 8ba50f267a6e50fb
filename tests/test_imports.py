"""What loads what: the command line stays light, and imports point one way."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from disentangle.runs import source

PACKAGE = Path(source.__file__).parents[1]
HEAVY = (
    "torch",
    "monai",
    "papermill",
    "pydantic",
    "pandas",
    "numpy",
    "distributed",
    "jupytext",
    "nbformat",
    "sklearn",
)
METHODS = ("sdnet", "lesion_vae", "rotation", "puir", "anatomy_uad")


def _modules(folder: str) -> list[str]:
    files = sorted((PACKAGE / folder).rglob("*.py"))
    parts = [path.relative_to(PACKAGE.parent).with_suffix("").parts for path in files]
    return [".".join(part for part in names if part != "__init__") for names in parts]


def _imports(module: str) -> set[str]:
    """Modules of the package that a module imports itself, anywhere in its code."""
    path = PACKAGE.parent.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    package = module if path.is_dir() else module.rpartition(".")[0]
    return {name for name in source.imports_of(file.read_text(), package) if name.startswith("disentangle.")}


@pytest.mark.parametrize(
    "statement", ["import disentangle", "import disentangle.cli", "import disentangle.runs.source"]
)
def test_nothing_heavy_is_loaded(statement):
    code = f"import sys; {statement}; print(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_help_is_quick():
    """In processor time, which other work on the machine hardly changes."""

    def seconds() -> float:
        began = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "disentangle.cli", "--help"], capture_output=True, check=True)
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        return ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime

    assert min(seconds() for _ in range(3)) < 0.3


def test_runs_know_nothing_of_images_or_methods():
    foreign = tuple(f"disentangle.{name}" for name in (*METHODS, "imaging", "networks", "training", "metrics"))
    found = {module: [n for n in _imports(module) if n.startswith(foreign)] for module in _modules("runs")}
    assert {module: names for module, names in found.items() if names} == {}


def test_no_method_imports_another():
    for method in METHODS:
        others = tuple(f"disentangle.{name}" for name in METHODS if name != method)
        for module in _modules(method):
            assert not [name for name in _imports(module) if name.startswith(others)], module


@pytest.mark.parametrize("floor", ["imaging", "networks", "metrics"])
def test_what_methods_share_imports_no_method(floor):
    for module in _modules(floor):
        assert not [name for name in _imports(module) if name.split(".")[1] in METHODS], module


def test_every_module_says_what_lives_there():
    import ast

    silent = [p.name for p in PACKAGE.rglob("*.py") if not ast.get_docstring(ast.parse(p.read_text()))]
    assert silent == []
