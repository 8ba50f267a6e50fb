"""Parameters: what is declared, what is accepted, and what is refused with which words."""

from pathlib import Path

import pytest

from disentangle.runs.parameters import (
    Parameter,
    ParameterError,
    check_namespace,
    format_table,
    parameter_table,
    parse_declarations,
    validate,
)

CELL = """
profile: str = "quick"  # smoke | quick | full; how much work
seed: int = 0
beta: float = 1.0  # 0..1000; weight; of the KL term
rate: float = 1e-3  # 0..; learning rate
steps: Optional[int] = None  # 1..100000; training steps, None: the profile's
fast: bool = False  # take every short cut
folds: int = 5  # 3 | 5 | 10; folds
"""


@pytest.fixture
def declared() -> list[Parameter]:
    return parse_declarations(CELL)


def test_declarations_give_type_default_domain_and_help(declared):
    by_name = {parameter.name: parameter for parameter in declared}
    assert by_name["profile"] == Parameter(
        "profile", "str", "quick", choices=("smoke", "quick", "full"), help="how much work"
    )
    assert by_name["beta"] == Parameter("beta", "float", 1.0, low=0.0, high=1000.0, help="weight; of the KL term")
    assert (by_name["rate"].low, by_name["rate"].high, by_name["rate"].domain) == (0.0, None, "0..")
    assert (by_name["steps"].optional, by_name["steps"].base, by_name["steps"].domain) == (
        True,
        int,
        "1..100000",
    )
    assert (by_name["fast"].domain, by_name["fast"].help) == ("", "take every short cut")
    assert by_name["folds"].choices == (3, 5, 10)


def test_papermill_reads_the_same_names_types_and_defaults(tmp_path: Path, declared):
    import papermill

    from disentangle.runs import notebooks

    (tmp_path / "n.py").write_text('# %% tags=["parameters"]\n' + CELL.strip() + "\n")
    (tmp_path / "n.ipynb").write_text(notebooks.as_text(notebooks.read(tmp_path / "n.py")))
    seen = papermill.inspect_notebook(tmp_path / "n.ipynb")
    theirs = [(name, found["inferred_type_name"], eval(found["default"])) for name, found in seen.items()]
    assert theirs == [(parameter.name, parameter.type, parameter.default) for parameter in declared]


@pytest.mark.parametrize("suffix", [".py", ".ipynb"])
def test_both_forms_of_a_notebook_declare_the_same(tmp_path: Path, declared, suffix):
    import jupytext

    source = '# %% [markdown]\n# # T\n\n# %% tags=["parameters"]\n' + CELL.strip() + "\n\n# %%\nx: int = 3\n"
    path = tmp_path / f"n{suffix}"
    jupytext.write(jupytext.reads(source, fmt="py:percent"), path, fmt=suffix[1:] + ":percent" * (suffix == ".py"))
    assert parameter_table(path) == declared


def test_text_of_a_command_line_becomes_the_declared_type(declared):
    given = {"seed": "3", "beta": "4", "steps": "none", "fast": "true", "folds": "10", "profile": "full"}
    values = validate(declared, given)
    assert values == {
        **{"profile": "full", "seed": 3, "beta": 4.0, "rate": 1e-3},
        **{"steps": None, "fast": True, "folds": 10},
    }
    assert type(values["beta"]) is float


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("seed", "x", "seed must be int, not 'x'"),
        ("seed", "1.5", "seed must be int, not '1.5'"),
        ("seed", 2.0, "seed must be int, not 2.0"),
        ("seed", True, "seed must be int, not True"),
        ("seed", None, "seed must be int, not None"),
        ("beta", -1, "beta is -1.0, but must lie in 0..1000"),
        ("beta", "nan", "beta must be float, not 'nan'"),
        ("rate", "-1e-9", "rate is -1e-09, but must lie in 0.."),
        ("steps", "0", "steps is 0, but must lie in 1..100000"),
        ("fast", "perhaps", "fast must be bool, not 'perhaps'"),
        ("folds", "4", "folds is 4, but must be one of 3 | 5 | 10"),
        ("profile", "quik", "but must be one of smoke | quick | full; did you mean 'quick'?"),
        ("profile", 3, "profile must be str, not 3"),
        ("sed", "3", "no parameter 'sed', did you mean 'seed'? There are: profile, seed"),
    ],
)
def test_a_wrong_value_is_refused(declared, name, value, message):
    with pytest.raises(ParameterError) as refused:
        validate(declared, {name: value})
    assert message in str(refused.value)


def test_all_problems_are_reported_at_once(declared):
    with pytest.raises(ParameterError) as refused:
        validate(declared, {"seed": "x", "betta": 1, "steps": 0})
    assert len(refused.value.problems) == 3


@pytest.mark.parametrize(
    "line, message",
    [
        ("seed = 0", "expected 'name: type = default"),
        ("seed: int", "its default must stand on the same line"),
        ("seed: list = []", "type list is none of"),
        ("seed: int = 0  # 1..5; a seed", "seed is 0, but must lie in 1..5"),
        ("seed: int = '3'", "the default '3' is not int"),
        ("seed: int = f()", "must be a plain value"),
        ("seed: int = 0  # n=3 seeds", "a second '='"),
        ("seed: int = 0\nseed: int = 1", "seed is declared twice"),
        ("mode: int = 1  # 1 | two; mode", "choices '1 | two' are not all int"),
    ],
)
def test_a_wrong_declaration_is_refused(line, message):
    with pytest.raises(ParameterError) as refused:
        parse_declarations(line)
    assert message in str(refused.value)


def test_the_table_has_a_line_a_parameter(declared):
    lines = format_table(declared).splitlines()
    assert len(lines) == 1 + len(declared)
    assert lines[5].split(maxsplit=4) == [
        *("steps", "Optional[int]", "None", "1..100000", "training steps, None: the profile's")
    ]


def test_text_with_one_value_takes_no_other():
    (data,) = parse_declarations('data: str = "brain"  # brain; the cohort, by name')
    assert data.choices == ("brain",) and data.help == "the cohort, by name"
    with pytest.raises(ParameterError, match="data is 'acdc', but must be one of brain"):
        validate([data], {"data": "acdc"})


def test_what_a_kernel_holds_is_checked_against_the_cell_that_declares_it():
    cells = ["import numpy as np", "%matplotlib inline", "x: int = 1", CELL, "# Parameters\nsteps = 0"]
    held = {one.name: one.default for one in parse_declarations(CELL)}
    check_namespace(cells, held)
    check_namespace(["x = 1"], {"x": 1})
    with pytest.raises(ParameterError, match=r"parameters of this notebook:\n  steps is 0, but must lie in 1..100000"):
        check_namespace(cells, held | {"steps": 0})
