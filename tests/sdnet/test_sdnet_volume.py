"""Learning the volume along: what the head counts, what is trained, and how volumes are compared."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from disentangle.imaging import datasets
from disentangle.imaging.cardiac.ejection import volumes_ml
from disentangle.sdnet import comparison, evaluate_volume, volume_cells
from disentangle.sdnet.train import fit
from disentangle.sdnet.volume import UNIT, AreaHead, areas, fine_tune

FOUR = np.arange(4)


@pytest.fixture(scope="module")
def base(cohort, small):
    return fit(cohort, small, 0, labelled=FOUR)


def tuned(base, cohort, small, **more):
    pixels = (cohort.labels == 2).sum((1, 2)).astype(float)
    known = {"labelled": FOUR, "unlabelled": np.arange(len(cohort)), "pixels": pixels}
    return fine_tune(base, cohort, small.with_training(**more.pop("training", {})), 0, **known | more)


def test_a_head_learns_to_count_pixels():
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        head = AreaHead(2, 16)
    radius = 2 + 5 * torch.rand(64, generator=generator)
    rows, columns = torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij")
    inside = ((rows - 8) ** 2 + (columns - 8) ** 2)[None] < radius[:, None, None] ** 2
    anatomy = torch.stack([inside, ~inside], 1).float()
    truth = inside.sum((1, 2)) / (UNIT * 16**2)
    adam = torch.optim.Adam(head.parameters(), lr=5e-3)
    for _ in range(300):
        adam.zero_grad()
        (head(anatomy[:48]) - truth[:48]).pow(2).mean().backward()
        adam.step()
    error = (head(anatomy[48:]) - truth[48:]).abs().mean()
    assert error < 0.1 * (truth[48:] - truth[:48].mean()).abs().mean()


def test_tuning_moves_the_whole_model_and_without_areas_there_is_no_head(base, cohort, small):
    first, second = (tuned(base, cohort, small, with_head=flag) for flag in (True, False))
    assert areas(first, cohort).shape == (len(cohort),) and (areas(first, cohort) >= 0).all()
    with pytest.raises(ValueError, match="without areas"):
        areas(second, cohort)
    weights = [one.fitted.model.anatomy.state_dict() for one in (first, second)] + [base.model.anatomy.state_dict()]
    for name in (name for name in weights[0] if name.endswith("weight")):
        assert not torch.equal(weights[0][name], weights[2][name])
    assert any(not torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert "supervised_area" in first.fitted.history.frame() and "supervised_area" not in second.fitted.history.frame()


def test_areas_that_are_not_known_change_nothing(base, cohort, small):
    pixels = (cohort.labels == 2).sum((1, 2)).astype(float)
    pixels[6:] = np.nan
    first = tuned(base, cohort, small, pixels=pixels)
    other = replace(cohort, labels=np.where(np.arange(len(cohort))[:, None, None] < 6, cohort.labels, 0))
    second = tuned(base, other, small, pixels=pixels)
    np.testing.assert_array_equal(areas(first, cohort), areas(second, cohort))


def test_areas_are_wanted_for_each_image(base, cohort, small):
    with pytest.raises(ValueError, match="3 areas of 12 images"):
        tuned(base, cohort, small, pixels=np.ones(3))
    with pytest.raises(ValueError, match="0 of them known"):
        tuned(base, cohort, small, pixels=np.full(len(cohort), np.nan))


def test_a_cell_measures_volumes_in_millilitres(monkeypatch):
    hearts = datasets.load("heart_phantom", size=64, frames=2, people=30)
    monkeypatch.setattr(volume_cells, "cohort_of", lambda data: hearts)
    monkeypatch.setattr(volume_cells, "STEPS", 2)
    usual = comparison.configuration
    monkeypatch.setattr(volume_cells, "configuration", lambda: usual(2))
    scores = volume_cells.volume_cell("heart_phantom", "sdnet_volume", 1, 0, 0, 0)
    assert json.loads(json.dumps(scores)) == scores
    table = pd.DataFrame(scores["volumes"]).pivot(index="subject", columns="phase", values="true")
    known = volumes_ml(hearts.labels, hearts.samples, hearts.spacing_mm).loc[table.index]
    assert np.allclose(table[["ED", "ES"]], known[["ED", "ES"]], atol=0.01)
    assert (table["ED"] > table["ES"]).all() and scores["mean_ml"]["ED"] > scores["mean_ml"]["ES"]
    with pytest.raises(ValueError, match="no method 'sdnet', expected one of sdnet_volume"):
        volume_cells.volume_cell("heart_phantom", "sdnet", 1, 0, 0, 0)


def test_errors_and_bias_of_known_volumes():
    def cell(method: str, draw: int, off: float) -> dict:
        volumes = [
            {"subject": who, "phase": "ED", "true": 100.0 + 20 * at, "masks": 100.0 + 20 * at + off}
            | ({"regressed": 100.0 + 20 * at - 5 * (-1) ** at} if method == "sdnet_volume" else {})
            for at, who in enumerate("abcd")
        ]
        parameters = {"method": method, "fold": 0, "draw": draw}
        return {"parameters": parameters, "scores": {"volumes": volumes, "mean_ml": {"ED": 130.0}}}

    done = [cell("sdnet_volume", draw, 3.0) for draw in (0, 1)]
    assert evaluate_volume.volume_table(done).empty
    table = evaluate_volume.volume_table([*done, *(cell("sdnet_tuned", draw, -8.0) for draw in (0, 1))])
    assert len(table) == 8
    assert evaluate_volume.bias(table, "regressed").value == pytest.approx(0)
    assert evaluate_volume.error(table, "regressed").value == pytest.approx(5)
    assert evaluate_volume.bias(table, "masks_tuned").value == pytest.approx(-8)
    assert evaluate_volume.error(table, "mean_person").value == pytest.approx(20)
    difference = evaluate_volume.error_difference(table, "masks", "masks_tuned")
    assert difference.value == difference.low == difference.high == pytest.approx(-5)
