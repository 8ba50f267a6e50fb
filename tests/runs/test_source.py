"""The hash of code sees what can change a result, and nothing else."""

import sys
import tomllib
from pathlib import Path

import pytest

from disentangle.runs import source

CODE = '''
"""Docstring."""
import numpy as np

def area(radius, *, scale=1.0):
    """Area of a disc."""
    # comment
    return f"{np.pi * radius**2 * scale:.2f}", [None, 1e-3, b"x", ...]
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that cannot be imported: reading it is all that may be done."""
    folder = tmp_path / "leaves"
    files = {
        "__init__.py": "raise RuntimeError('imported')",
        "top.py": "from . import middle\n\ndef late():\n    from leaves.deep.inner import f\n    return f",
        "middle.py": "import numpy, typing\nif typing.TYPE_CHECKING:\n    from . import never\n",
        "never.py": "",
        "apart.py": "",
        "deep/__init__.py": "",
        "deep/inner.py": "from ..look import *\nfrom .. import apart as other",
        "look.py": "import leaves.top",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def test_closure_follows_relative_late_and_circular_imports_without_importing(package):
    assert source.closure("leaves.top") == {
        *(
            "leaves",
            "leaves.top",
            "leaves.middle",
            "leaves.deep",
            "leaves.deep.inner",
            "leaves.look",
            "leaves.apart",
        )
    }
    assert "leaves" not in sys.modules


def test_closure_neither_keeps_nor_follows_what_is_excluded(package):
    assert source.closure("leaves.top", exclude=("leaves.deep",)) == {"leaves", "leaves.top", "leaves.middle"}


def test_an_excluded_prefix_is_a_whole_name(package):
    assert "leaves.deep" in source.closure("leaves.top", exclude=("leaves.de",))


def test_closure_of_a_missing_module_names_it():
    with pytest.raises(ModuleNotFoundError, match=r"leaves\.nowhere"):
        source.closure("leaves.nowhere")


def test_a_change_anywhere_in_the_closure_changes_the_hash_and_comments_do_not(package):
    before = source.closure_hash("leaves.top")
    (package / "look.py").write_text('"""What it does."""\nimport leaves.top  # why\n')
    assert source.closure_hash("leaves.top") == before
    (package / "look.py").write_text("import leaves.top\nx = 1\n")
    assert source.closure_hash("leaves.top") != before


@pytest.mark.parametrize(
    "old, new, same",
    [
        ("# comment", "# another", True),
        ("Area of a disc.", "The area.", True),
        ("    return", "\n\n    return", True),
        ("radius**2", "(radius ** 2)", True),
        ("scale=1.0", "scale=1.5", False),
        ("radius**2", "radius**3", False),
        (":.2f", ":.3f", False),
        ("import numpy as np", "import numpy as np, os", False),
        ("[None, 1e-3", "[1e-3, None", False),
    ],
)
def test_code_hash_changes_with_meaning_only(old, new, same):
    assert (source.code_hash(CODE) == source.code_hash(CODE.replace(old, new))) is same


def test_code_hash_is_the_same_on_every_python():
    """Computed with Python 3.11, 3.12 and 3.13; ``ast.dump`` differs between them."""
    assert source.code_hash(CODE)[:16] == "33cd19bb7971d353"


def test_magic_lines_of_notebooks_count():
    assert source.code_hash("%matplotlib inline\nx = 1") != source.code_hash("%matplotlib widget\nx = 1")


def test_imports_of_notebook_code():
    code = "%time\nfrom disentangle.metrics import auc\nimport numpy.linalg as la\n"
    assert source.imports_of(code) == {"disentangle.metrics", "disentangle.metrics.auc", "numpy.linalg"}


def test_code_closure_keeps_to_the_package():
    assert source.code_closure("import json\nfrom disentangle.runs import files") == {
        *("disentangle.runs", "disentangle.runs.files")
    }


def test_a_declared_change_keeps_the_hash_and_any_other_does_not(package, tmp_path, monkeypatch):
    file = package / "look.py"
    before, first = source.code_hash(file.read_text()), source.closure_hash("leaves.top")
    file.write_text(file.read_text() + "\ncheck = 1\n")
    assert source.closure_hash("leaves.top") != first
    middle = source.code_hash(file.read_text())
    declared = tmp_path / "equivalent.toml"
    monkeypatch.setattr(source, "EQUIVALENT_FILE", declared)
    entry = '[[change]]\nmodule = "leaves.look"\nbefore = "{}"\nafter = "{}"\nwhy = "-"\n'
    declared.write_text(entry.format(before, middle))
    assert source.closure_hash("leaves.top") == first
    file.write_text(file.read_text() + "\ncheck = 22\n")
    assert source.closure_hash("leaves.top") != first, "nobody has declared this one"
    declared.write_text(entry.format(before, middle) + entry.format(middle, source.code_hash(file.read_text())))
    declared.touch()
    assert source.closure_hash("leaves.top") == first, "one declared change after another"
    (package / "apart.py").write_text("check = 3\n")
    assert source.closure_hash("leaves.top") != first


def test_every_declared_change_of_the_package_stands_and_says_why():
    changes = tomllib.loads(source.EQUIVALENT_FILE.read_text(encoding="utf-8"))["change"]
    steps = {(change["module"], change["before"]) for change in changes}
    for change in changes:
        assert change["why"] and change["before"] != change["after"]
        present = source.code_hash(source._file(change["module"]).read_text(encoding="utf-8"))
        assert change["after"] == present or (change["module"], change["after"]) in steps, change["module"]
