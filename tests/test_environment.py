"""One environment, said three times: pyproject.toml, constraints.txt and environment.yml agree."""

import re
import tomllib
from collections import defaultdict
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

REPOSITORY = Path(__file__).resolve().parents[1]
CONSTRAINTS = (REPOSITORY / "constraints.txt").read_text().splitlines()
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
CONDA = yaml.safe_load((REPOSITORY / "environment.yml").read_text())


def declared() -> list[Requirement]:
    """Dependencies of the package and of all its extras, without the package itself."""
    extras = PROJECT["optional-dependencies"].values()
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in extra)]
    return [r for r in map(Requirement, lines) if r.name != PROJECT["name"]]


def pins() -> dict[str, list[Version]]:
    """The pinned versions of each package; several where they depend on the Python version."""
    found = defaultdict(list)
    for line in CONSTRAINTS:
        requirement = Requirement(line)
        (pin,) = requirement.specifier
        assert pin.operator == "==", line
        found[canonicalize_name(requirement.name)].append(Version(pin.version))
    return found


@pytest.mark.parametrize("requirement", declared(), ids=lambda r: r.name)
def test_every_dependency_is_pinned_within_its_range(requirement):
    versions = pins()[canonicalize_name(requirement.name)]
    assert versions, f"{requirement.name} is not in constraints.txt: run `make constraints`"
    assert all(requirement.specifier.contains(version) for version in versions), versions


def test_what_the_dependencies_need_is_pinned_too():
    pinned, seen, waiting = pins(), set(), [(r.name, frozenset(r.extras)) for r in declared()]
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in seen or not _is_installed(name):
            continue
        seen.add((name, extras))
        for line in metadata.requires(name) or ():
            needed = Requirement(line)
            if needed.marker is None or any(needed.marker.evaluate({"extra": e}) for e in extras or {""}):
                waiting.append((needed.name, frozenset(needed.extras)))
    missing = {name for name, _ in seen if canonicalize_name(name) not in pinned}
    assert len(seen) > 100 and missing == set()


def _is_installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def test_constraints_name_no_place_and_no_build():
    assert [line for line in CONSTRAINTS if re.search(r"://|@|file:|^-|^/|\+", line)] == []


def test_torch_is_the_release_that_the_pages_ran_on():
    assert [line for line in CONSTRAINTS if line.startswith("torch==")] == ["torch==2.13.0"]


def test_conda_gives_python_and_pip_and_the_constraints_give_the_rest():
    *from_conda, rest = CONDA["dependencies"]
    assert CONDA["name"] == PROJECT["name"] and CONDA["channels"] == ["conda-forge"]
    assert from_conda == [f"python{PROJECT['requires-python']}", "pip"]
    assert rest == {"pip": ["-c constraints.txt", "-e .[book,dev]"]}


def test_the_makefile_installs_the_same_and_allows_the_same_pythons():
    text = (REPOSITORY / "Makefile").read_text()
    assert '-c constraints.txt -e ".[book,dev]"' in text
    low, high = (tuple(map(int, v)) for v in re.findall(r"\((\d+), (\d+)\)", text)[:2])
    allowed = Requirement(f"python{PROJECT['requires-python']}").specifier
    inside = [(3, minor) for minor in range(8, 20) if allowed.contains(f"3.{minor}")]
    assert (min(inside), max(inside)) == (low, high)
