"""From cells to tables and intervals, on cells made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from disentangle.runs import cells
from disentangle.sdnet import evaluate, evaluate_factors, grids


def cell(
    method: str, dice: dict[str, float], labelled: int | None = 1, draw: int = 0, steps: int | None = None
) -> dict:
    people = [
        {"subject": who, "mean": value, "rv": value, "ed": {"rv": value}, "ef_true": 0.5, "ef_predicted": 0.4}
        for who, value in dice.items()
    ]
    known = {"method": method, "labelled": labelled, "draw": draw, "fold": 0} | ({"steps": steps} if steps else {})
    return {"cell": method, "parameters": known, "scores": {"people": people}}


@pytest.fixture
def done() -> list[dict]:
    return [
        cell("unet", {"a": 0.5, "b": 0.6}),
        cell("sdnet", {"a": 0.6, "b": 0.7}),
        cell("unet", {"a": 0.3, "b": 0.4}, draw=1),
        cell("sdnet", {"a": 0.4, "b": 0.5}, draw=1),
        cell("unet", {"a": 0.9, "b": 0.8}, labelled=None),
        cell("unet", {"a": 0.6, "b": 0.7}, steps=4000),
    ]


def test_a_mean_is_over_people_and_draws_of_the_grids_own_length(done):
    table = evaluate.people_table(done)
    assert evaluate.mean(table, "unet", 1).value == pytest.approx((0.5 + 0.6 + 0.3 + 0.4) / 4)
    assert evaluate.mean(table, "unet", "all").value == pytest.approx(0.85)
    assert evaluate.mean(table, "gan", 1) is None


def test_a_constant_gain_has_no_spread(done):
    interval = evaluate.difference(evaluate.people_table(done), "sdnet", "unet", 1)
    assert (interval.value, interval.low, interval.high) == pytest.approx((0.1, 0.1, 0.1))
    assert interval.n == 2


def test_only_runs_of_both_methods_are_paired(done):
    table = evaluate.people_table([*done, cell("sdnet", {"a": 0.0, "b": 0.0}, draw=2)])
    assert evaluate.difference(table, "sdnet", "unet", 1).value == pytest.approx(0.1)


def test_more_steps_are_compared_with_the_same_person_and_draw(done):
    gain = evaluate.longer_gain(evaluate.people_table(done), "unet", 1, 4000)
    assert gain.value == pytest.approx(0.1)


def test_ejection_fractions_err_in_percentage_points_and_a_missing_ventricle_counts_as_none(done):
    done[0]["scores"]["people"][0]["ef_predicted"] = None
    errors = evaluate.people_table(done)["ef_error"]
    assert errors.iloc[0] == pytest.approx(50) and errors.iloc[1] == pytest.approx(10)


def test_few_pixels_at_end_diastole_do_not_make_one_error_endless(done):
    done[0]["scores"]["people"][0]["ef_predicted"] = -15.9
    table = evaluate.people_table(done)
    assert table["ef_error"].iloc[0] == pytest.approx(50)
    assert not table["ef_unknown"].any()


def test_the_constant_answer_is_the_mean_of_the_others(done):
    for one in done:
        for person, true in zip(one["scores"]["people"], (0.3, 0.6), strict=True):
            person["ef_true"] = true
    found = evaluate.constant_ef_error(evaluate.people_table(done))
    assert (found.value, found.n) == (pytest.approx(30), 2), "each of two is told the other's"
    assert evaluate.constant_ef_error(evaluate.people_table([])) is None


def test_falling_losses_of_longer_trainings_are_asked_for_by_their_steps(done):
    done[-1]["scores"]["curve"] = [[step, 1 / step] for step in range(1, 13)]
    done[0]["scores"]["curve"] = [[step, 0.5] for step in range(1, 13)]
    assert evaluate.still_falling(done)["falling"].tolist() == [False]
    assert evaluate.still_falling(done, steps=4000)["falling"].tolist() == [True]


def test_self_training_has_its_own_number_of_steps(done):
    longer = cell("selftrain", {"a": 0.5, "b": 0.5})
    longer["parameters"]["steps"] = 1600
    assert ("selftrain", 1) in evaluate.measured(evaluate.people_table([*done, longer]))


def test_every_draw_is_named_once(done):
    table = evaluate.people_table(done)
    assert evaluate.runs(table, "unet", 1) == pytest.approx([0.55, 0.35])
    assert evaluate.measured(table) == [("unet", 1), ("sdnet", 1), ("unet", "all")]


def variant(name: str, seed: int, swap: float, right: list[float]) -> dict:
    swaps = [
        {"subject": who, "swap": swap, "copy": 0.2, "own": 0.1, "consistency": 0.5, "other_anatomy": 0.25}
        | {f"{error}_heart": 0.1 for error in ("swap", "copy", "own")}
        for who in ("a", "b")
    ]
    modality = {"subjects": ["a", "b"], "right": {"z linear": right}}
    return {
        "cell": name,
        "parameters": {"variant": name, "seed": seed},
        "scores": {"swaps": swaps, "scanner_swaps": swaps, "modality": modality},
    }


def test_swaps_are_a_share_of_copying():
    done = [variant("sdnet", seed, 0.1, [1.0, 0.5]) for seed in (0, 1)]
    assert evaluate_factors.swap_fraction(done, "sdnet").value == pytest.approx(0.5)
    assert evaluate_factors.swap_fraction(done, "copy").value == pytest.approx(1.0)
    assert evaluate_factors.swap_difference(done, "sdnet", "copy").high == pytest.approx(-0.1)


def test_swaps_are_told_apart_by_the_modality_of_the_source():
    done = [variant("sdnet", seed, 0.1, [1.0, 0.5]) for seed in (0, 1)]
    for one in done:
        one["scores"]["posterior_variance"] = [0.5, 0.1, 0.9]
        for person, name, swap in zip(one["scores"]["swaps"], ("mr001", "ct001"), (0.1, 0.3), strict=True):
            person |= {"subject": name, "swap": swap, "swap_heart": swap}
    assert evaluate_factors.swap_fraction(done, "sdnet", source="mr").value == pytest.approx(0.5)
    assert evaluate_factors.swap_fraction(done, "sdnet", source="ct").value == pytest.approx(1.5)
    assert evaluate_factors.swap_fraction(done, "own", source="ct").value == pytest.approx(0.5)
    assert evaluate_factors.swap_difference(done, "sdnet", "copy", source="ct").low == pytest.approx(0.1)
    assert evaluate_factors.swap_difference(done, "sdnet", "copy", heart=True, source="mr").value == pytest.approx(0)
    assert evaluate_factors.posterior_variances(done, "sdnet") == (0.9, 0.1)


def test_accuracies_are_paired_by_person_and_seed():
    done = [variant("sdnet", 0, 0.1, [1.0, 0.5]), variant("no_kl", 0, 0.1, [0.75, 0.25])]
    assert evaluate_factors.modality_accuracy(done, "sdnet", "z").value == pytest.approx(0.75)
    gain = evaluate_factors.modality_difference(done, ("sdnet", "z"), ("no_kl", "z"))
    assert (gain.low, gain.high) == pytest.approx((0.25, 0.25))


def test_a_constant_answer_is_right_in_half_of_the_modalities_however_many_people_have_one():
    modality = {"subjects": ["ct1", "ct2", "ct3", "mr1"], "right": {"z linear": [1.0, 1.0, 1.0, 0.0]}}
    done = [{"cell": "sdnet", "parameters": {"variant": "sdnet", "seed": 0}, "scores": {"modality": modality}}]
    found = evaluate_factors.modality_accuracy(done, "sdnet", "z")
    assert (found.value, found.low, found.high, found.n) == (0.5, 0.5, 0.5, 4)


def test_swaps_between_scanners_and_agreement_of_anatomies_are_told():
    done = [variant("sdnet", seed, 0.1, [1.0, 0.5]) for seed in (0, 1)]
    assert evaluate_factors.scanner_fraction(done, "sdnet").value == pytest.approx(0.5)
    assert evaluate_factors.consistency(done, "sdnet") == (0.5, 0.25)


def test_the_rate_of_the_factors_is_the_one_that_validation_people_like_best():
    table = evaluate_factors.rates(cells.load("sdnet").done)
    assert set(table["rate"]) == set(grids.RATES) and set(table["seed"]) == set(grids.SEEDS)
    assert table.groupby("rate")["dice"].mean().idxmax() == grids.LEARNING_RATE


def test_dice_is_paired_by_person_and_seed():
    def segmented(name, seed, **dice):
        people = [{"subject": who, "mean": value} for who, value in dice.items()]
        return {"cell": name, "parameters": {"variant": name, "seed": seed}, "scores": {"people": people}}

    done = [segmented("sdnet", 0, a=0.5, b=0.7), segmented("sdnet", 1, a=0.6), segmented("z_4", 0, a=0.4, b=0.6)]
    assert evaluate_factors.variant_dice(done, "sdnet").value == pytest.approx(0.6)
    loss = evaluate_factors.dice_difference(done, "z_4", "sdnet")
    assert (loss.value, loss.low, loss.high, loss.n) == (*[pytest.approx(-0.1)] * 3, 2)


@pytest.mark.parametrize("grid", [grids.sdnet, grids.sdnet_few_labels, grids.sdnet_few_labels_acdc])
def test_no_cell_stands_twice_in_a_grid(grid):
    names = [one.name for one in grid()]
    assert len(names) == len(set(names)) and len(names) >= 10


def test_the_first_cells_are_the_most_telling():
    first = [
        (c.parameters["method"], c.parameters["labelled"], c.parameters["draw"]) for c in grids.sdnet_few_labels_acdc()
    ]
    assert first[:2] == [("unet", 1, 0), ("sdnet", 1, 0)]
    assert not np.any([c.parameters["fold"] for c in grids.sdnet_few_labels_acdc()[:10]])
