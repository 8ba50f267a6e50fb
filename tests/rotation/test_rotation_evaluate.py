"""From cells to intervals: what was packed comes back, pairs are paired, and the grids name what exists."""

import numpy as np
import pandas as pd
import pytest

from disentangle.metrics.intervals import crossed_bootstrap
from disentangle.rotation import evaluate, grids
from disentangle.rotation.packing import packed
from disentangle.runs.checksums import load_function

PEOPLE, MODELS, CLUSTERINGS = 12, 3, 4


def truth(seed: int = 0) -> np.ndarray:
    """Scores (model, clustering, person) that are a sum of person, model and clustering."""
    rng = np.random.default_rng(seed)
    parts = [
        rng.normal(0.6, 0.1, (1, 1, PEOPLE)),
        rng.normal(0, 0.03, (MODELS, 1, 1)),
        rng.normal(0, 0.02, (1, CLUSTERINGS, 1)),
    ]
    return parts[0] + parts[1] + parts[2]


def cell(model: int, values: dict[str, np.ndarray], **parameters) -> dict:
    """A cell as the runner keeps it; ``values`` (clustering, person) by method."""
    units = [f"p{number:02}" for number in range(PEOPLE)]
    scored = {
        name: packed([pd.DataFrame({"ari": row}, index=units) for row in one])
        | {"probe": {"setting": 0.2 + model / 10}}
        for name, one in values.items()
    }
    scores = {"units": units, "k": 6, "methods": scored, "rotation": {"dropped": model}}
    scores |= {"stability": {"4": [0.9, 0.02, 0.3], "6": [0.8, 0.02, 0.4]}}
    scores |= {"by_k": {"4": {"rotation": {"ari": 0.5 + model}}}}
    return {
        "cell": f"m{model}",
        "parameters": {"seed": model, "arm": "independent", "effect": 1.0} | parameters,
        "scores": scores,
    }


@pytest.fixture
def done() -> list[dict]:
    one = truth()
    return [cell(model, {"rotation": one[model], "entangled": one[model] - 0.1}) for model in range(MODELS)]


def test_what_was_packed_comes_back_where_effects_add_up(done):
    table = evaluate.unit_table(done)
    rows = table[table["method"] == "rotation"].sort_values(["model", "clustering", "unit"])
    assert rows["ari"].to_numpy() == pytest.approx(truth().ravel(), abs=2e-3)


def test_the_interval_is_that_of_the_full_table(done):
    ours = evaluate.mean(evaluate.unit_table(done), "rotation")
    full = crossed_bootstrap(truth().transpose(2, 0, 1), draws=evaluate.DRAWS, seed=0)
    assert (ours.value, ours.low, ours.high) == pytest.approx((full.value, full.low, full.high), abs=2e-3)
    assert ours.n == PEOPLE


def test_a_constant_difference_is_found_exactly_although_people_differ(done):
    found = evaluate.difference(evaluate.unit_table(done), "rotation", "entangled")
    assert (found.value, found.low, found.high) == pytest.approx((0.1, 0.1, 0.1), abs=2e-3)
    assert evaluate.relative_gain(evaluate.unit_table(done), "rotation", "entangled") == pytest.approx(
        100 * 0.1 / (truth().mean() - 0.1), abs=0.5
    )


def test_a_method_that_was_clustered_once_meets_the_first_clustering_of_the_other(done):
    one = truth()
    once = [cell(model, {"shuffled": one[model, :1] - 0.2}) for model in range(MODELS)]
    found = evaluate.difference(evaluate.unit_table(done), "rotation", "shuffled", other=evaluate.unit_table(once))
    assert (found.low, found.high) == pytest.approx((0.2, 0.2), abs=3e-3)


def test_cells_are_chosen_by_what_they_have(done):
    confounded = cell(9, {"rotation": truth()[0]}, arm="confounded")
    assert evaluate.chosen([*done, confounded], arm="independent") == done
    assert evaluate.chosen(done, fitted_on=1) == done
    table = evaluate.unit_table([*done, confounded], arm="confounded")
    assert set(table["model"]) == {9}


def test_what_has_not_run_is_none_and_never_zero(done):
    empty = evaluate.unit_table([])
    assert evaluate.mean(empty, "rotation") is None and evaluate.by_model(empty, "rotation") == []
    table = evaluate.unit_table(done)
    assert evaluate.difference(table, "rotation", "combat") is None
    assert evaluate.mean(table, "rotation", "tissue_ari") is None
    assert evaluate.probe(done, "rotation", "tissue") is None
    assert evaluate.number(done, "controls", "shuffled", "dropped") is None
    assert evaluate.over_models([]) is None


def test_numbers_of_single_models_show_mean_and_range(done):
    probe = evaluate.probe(done, "rotation", "setting")
    assert (probe.value, probe.low, probe.high, probe.n) == pytest.approx((0.3, 0.2, 0.4, MODELS))
    assert vars(evaluate.number(done, "rotation", "dropped"))["high"] == MODELS - 1
    k = evaluate.by_k_table(done, "ari")
    assert k[["value", "low", "high"]].to_numpy().tolist() == [[1.5, 0.5, 2.5]]
    stable = evaluate.stability_table(done)
    assert stable[stable["chosen"]]["k"].tolist() == [6] * MODELS


@pytest.mark.parametrize("grid", [grids.rotation_clusters, grids.rotation_clusters_lung_ct, grids.rotation_survival])
def test_every_cell_names_a_function_that_takes_its_parameters(grid):
    import inspect

    cells = grid()
    assert len({cell.name for cell in cells}) == len(cells)
    for cell in cells:
        inspect.signature(load_function(cell.function)).bind(**cell.parameters)


def test_the_independent_arm_runs_before_the_confounded_one():
    names = [cell.name for cell in grids.rotation_clusters()]
    assert names.index("independent_seed4") < names.index("no_effect_seed0") < names.index("confounded_seed0")
