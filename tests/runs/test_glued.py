"""Which glued values stay in the book: those that some text shows, and nothing else is touched."""

from copy import deepcopy

from disentangle.runs.anchors import recorded_by
from disentangle.runs.glued import missing, without_unused
from disentangle.runs.report import FINDING_MIME, GLUE_PREFIX


def glued(name: str, mime: str = "text/plain") -> dict:
    return {
        "output_type": "display_data",
        "data": {GLUE_PREFIX + mime: "1"},
        "metadata": {"scrapbook": {"name": name, "mime_prefix": GLUE_PREFIX}},
    }


PICTURE = {"output_type": "display_data", "data": {"image/png": "x", "text/plain": "<Figure>"}, "metadata": {}}
STREAM = {"output_type": "stream", "name": "stdout", "text": "angle"}
FINDING = glued("finding toy.lungs.auc.x", FINDING_MIME)
FINDING["data"][GLUE_PREFIX + FINDING_MIME] = {"id": "toy.lungs.auc.x"}
NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "source": "It is {glue:text}`angle:.1f` degrees."},
        {"cell_type": "code", "source": "x", "outputs": [glued("angle"), glued("angle.low"), FINDING, PICTURE, STREAM]},
    ]
}


def test_what_no_text_shows_goes_and_all_else_stays():
    found = without_unused(deepcopy(NOTEBOOK))
    assert found["cells"][1]["outputs"] == [glued("angle"), FINDING, PICTURE, STREAM]
    assert without_unused(deepcopy(found)) == found


def test_text_that_a_cell_computed_counts_too():
    nb = deepcopy(NOTEBOOK)
    said = {"output_type": "display_data", "data": {"text/markdown": "at least {glue:text}`angle.low`"}, "metadata": {}}
    nb["cells"][1]["outputs"].append(said)
    assert glued("angle.low") in without_unused(nb)["cells"][1]["outputs"]


def test_a_name_that_nobody_glued_is_missing():
    assert missing(NOTEBOOK) == set()
    nb = deepcopy(NOTEBOOK)
    nb["cells"][0]["source"] += " Up to {glue:text}`angle.high:.1f`."
    assert missing(nb) == {"angle.high"}


def test_of_a_finding_only_the_id_stays_and_still_names_its_cell():
    nb = deepcopy(NOTEBOOK)
    whole = {"id": "toy.lungs.auc.x", "paper": "toy", "value": 0.5, "what": "the record has it", "n": 3}
    nb["cells"][1]["outputs"][2]["data"][GLUE_PREFIX + FINDING_MIME] = whole
    found = without_unused(nb)
    assert FINDING in found["cells"][1]["outputs"]
    assert recorded_by(found["cells"][1]) == ["toy.lungs.auc.x"]
