"""Bands of mean density: what they know, and that they meet the methods of a cell unit by unit."""

import numpy as np
import pandas as pd
import pytest

from disentangle.imaging.cohort import Cohort, Provenance
from disentangle.rotation import evaluate
from disentangle.rotation.density import density_table, mean_density
from disentangle.rotation.packing import packed
from disentangle.rotation.plan import PLAN

LEVELS = (0.2, 0.5, 0.8)


def cohort(people: list[str], noise: float) -> Cohort:
    """Places of three tissues that differ in density alone; a sharp setting adds texture of mean zero."""
    rng, rows, images = np.random.default_rng(0), [], []
    for person in people:
        for place in range(12):
            for setting in ("sharp", "soft"):
                texture = rng.normal(0, noise if setting == "sharp" else 0.01, (32, 32))
                images.append(np.clip(LEVELS[place % 3] + texture - texture.mean(), 0, 1))
                facts = {"subject": person, "location": f"{person}_{place}", "setting": setting}
                rows.append(facts | {"tissue": f"t{place % 3}"})
    samples, subjects = pd.DataFrame(rows), pd.DataFrame(index=pd.Index(people, name="subject"))
    pixels, spacing = np.array(images, np.float32)[:, None], np.full((len(rows), 2), 0.7, np.float32)
    return Cohort("toy", pixels, samples, subjects, spacing, Provenance(False, "toy", "none", "none"))


@pytest.fixture
def both() -> tuple[Cohort, Cohort]:
    return cohort(["a", "b", "c", "d"], 0.05), cohort(["e", "f"], 0.05)


def cell(value: float) -> dict:
    scored = packed([pd.DataFrame({"ari": [value, value]}, index=["e", "f"])])
    scores = {"units": ["e", "f"], "k": 3, "methods": {"rotation": scored}}
    return {"cell": "one", "parameters": {"seed": 0}, "scores": scores}


def test_mean_density_is_one_number_a_patch(both):
    part = mean_density(both[1])
    assert part.latents.shape == (len(both[1]), 1)
    assert part.latents[0, 0] == pytest.approx(both[1].images[0].mean(), abs=1e-6)


def test_bands_are_wholly_consistent_where_a_setting_keeps_the_mean(both):
    table = density_table([cell(0.9)], lambda _: both, PLAN)
    assert table["unit"].tolist() == ["e", "f"]
    assert table["ari"].tolist() == [1, 1] and table["tissue_ari"].tolist() == [1, 1]
    assert table["effective"].to_numpy() == pytest.approx(3)


def test_a_method_of_a_cell_meets_the_bands_unit_by_unit(both):
    done = [cell(0.9)]
    bands = density_table(done, lambda _: both, PLAN)
    gap = evaluate.difference(evaluate.unit_table(done), "rotation", "density", other=bands)
    assert (gap.value, gap.n) == (pytest.approx(-0.1), 2)


def test_without_cells_there_is_no_row(both):
    assert density_table([], lambda _: both, PLAN).empty
