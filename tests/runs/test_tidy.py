"""Nothing of the machine stays in an executed notebook."""

import sys
import sysconfig
from pathlib import Path

import nbformat.v4 as v4
import pytest

from disentangle.runs.tidy import scrub, tidy

TEMPORARY = "/" + "tmp"  # where a kernel keeps its cells


@pytest.mark.parametrize(
    "text, shown",
    [
        ("{home}/src/a.py:3: UserWarning", "src/a.py:3: UserWarning"),
        ("in {home}", "in ."),
        ("{packages}/torch/nn.py", ".../torch/nn.py"),
        ("{prefix}/bin/python", ".../bin/python"),
        (f"{TEMPORARY}/ipykernel_12/345.py:4: UserWarning", "this notebook:4: UserWarning"),
        ('File "/var/x/ipykernel_1/2.py", line 1', 'File "this notebook", line 1'),
        ("0.5 of 1/2", "0.5 of 1/2"),
    ],
)
def test_paths_of_the_machine_are_replaced(toy_project: Path, text, shown):
    places = {"home": toy_project, "packages": sysconfig.get_path("purelib"), "prefix": sys.prefix}
    assert scrub(text.format(**places)) == shown


def test_every_kind_of_output_is_cleaned_and_pictures_are_not(toy_project: Path):
    picture = f"{toy_project}/"
    outputs = [
        v4.new_output("stream", text=f"{toy_project}/a"),
        v4.new_output("display_data", {"text/html": f"<b>{toy_project}/a</b>", "image/png": picture}),
        v4.new_output("display_data", {"application/json": {"path": [f"{toy_project}/a"]}}),
        v4.new_output("error", ename="E", evalue=f"{toy_project}/a", traceback=[f"{toy_project}/a"]),
    ]
    cell = v4.new_code_cell("x", outputs=outputs, metadata={"papermill": {"duration": 3}, "tags": []})
    (cleaned,) = tidy(v4.new_notebook(cells=[cell])).cells
    assert cleaned.metadata == {}
    stream, shown, data, error = cleaned.outputs
    assert (stream.text, shown.data["text/html"], data.data["application/json"]) == (
        "a",
        "<b>a</b>",
        {"path": ["a"]},
    )
    assert (error.evalue, error.traceback) == ("a", ["a"])
    assert shown.data["image/png"] == picture
