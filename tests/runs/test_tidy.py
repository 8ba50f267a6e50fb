"""Nothing of the machine stays in an executed notebook."""

import base64
import io
import sys
import sysconfig
from pathlib import Path

import nbformat.v4 as v4
import numpy as np
import pytest
from PIL import Image

from disentangle.runs.tidy import lighter_png, scrub, tidy

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


def _encoded(pixels: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return base64.b64encode(buffer.getvalue()).decode()


def test_pictures_become_lighter_and_look_the_same():
    rng = np.random.default_rng(0)
    grey = np.repeat(rng.integers(0, 64, (120, 160, 1), dtype=np.uint8) * 4, 3, axis=2)
    light = lighter_png(_encoded(grey))
    assert len(light) < 0.7 * len(_encoded(grey))
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(light))).convert("RGB"), int)
    assert np.abs(shown - grey).max() <= 4


def test_a_picture_that_cannot_become_lighter_stays():
    small = _encoded(np.zeros((1, 1, 3), np.uint8))
    assert lighter_png(small) == small
