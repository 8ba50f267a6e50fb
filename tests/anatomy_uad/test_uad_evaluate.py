"""Tables and intervals from cells made by hand, whose means and differences are known."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from disentangle.anatomy_uad import evaluate, figures

PEOPLE = 6


def detection(method: str, seed: int, ap: float, away: float = 0.0, validation: float = 0.3) -> dict:
    """Everybody has the same AP at home, and ``away`` more at unseen sites; people differ by 0.01."""
    conditions = {}
    for condition in evaluate.CONDITIONS:
        values = [round(1e4 * (ap + 0.01 * n + (away if "unseen" in condition else 0))) for n in range(PEOPLE)]
        conditions[condition] = {"ap": values, "dsc_oracle": values, "dsc_fpr": values, "ap_pooled": values[0]}
        conditions[condition] |= {"found": [[1, 2, 0, 0, 0, 0, 0, 0]] * PEOPLE}
        conditions[condition] |= {"displaced": {"tissue": [5000, *[None] * (PEOPLE - 1)], "lesion": [9000] * PEOPLE}}
    healthy = {s: {site: {"fpr": [100, 300], "components": [0, 50]} for site in "ABDCE"} for s in ("t1", "t2")}
    choices = {evaluate.CHOSEN: round(1e4 * validation), "median1_erosion0": 1000}
    scores = {"conditions": conditions, "healthy": healthy, "validation": {"t1": choices, "t2": choices}}
    return {"cell": f"{method}_seed{seed}", "parameters": {"method": method, "seed": seed}, "scores": scores}


@pytest.fixture
def cells() -> list[dict]:
    names = [f"p{n}" for n in range(PEOPLE)]
    facts = {"subject": names, "kind": ["ms", "glioma"] * 3, "lesion_ml": [1.0] * PEOPLE, "moved_mm": [0.0] * PEOPLE}
    for group in ("seen", "unseen"):
        facts |= {f"site_{group}": ["A"] * PEOPLE, f"prevalence_{group}": [2000] * PEOPLE}
    return [
        {"cell": "people", "parameters": {}, "scores": facts | {"healthy": ["h0", "h1"]}},
        *(detection("dal", seed, 0.5 + 0.1 * seed, away=-0.1) for seed in (0, 1)),
        *(detection("no_ssim", seed, 0.4 + 0.1 * seed) for seed in (0, 1)),
        detection("ae", 0, 0.3, away=-0.2, validation=0.2),
        detection("zmap", 0, 0.35, validation=0.4),
    ]


def test_means_are_over_people_and_seeds(cells):
    table = evaluate.people_table(cells)
    found = evaluate.mean(table, "dal", "t1_seen")
    assert found.value == pytest.approx(0.575) and found.n == PEOPLE and found.low < 0.575 < found.high
    assert evaluate.seed_means(table, "dal", "t1_seen") == pytest.approx([0.525, 0.625])
    assert evaluate.mean(table, "dal", "t1_seen", kind="ms").n == 3
    assert evaluate.mean(table, "dae", "t1_seen") is None
    assert table["prevalence"].iloc[0] == pytest.approx(0.02)


def test_an_arm_is_paired_seed_by_seed_and_a_baseline_by_person_alone(cells):
    table = evaluate.people_table(cells)
    arm = evaluate.difference(table, "dal", "no_ssim", "t1_seen")
    assert (arm.value, arm.low, arm.high, arm.trainings) == pytest.approx((0.1, 0.1, 0.1, 2)) and arm.side is True
    baseline = evaluate.difference(table, "dal", "zmap", "t1_seen")
    assert (baseline.value, baseline.low, baseline.high) == pytest.approx((0.2, 0.15, 0.25)) and baseline.n == PEOPLE


def test_a_single_training_on_either_side_decides_nothing(cells):
    """People alone would give an interval of no width here: another training is what is not known."""
    table = evaluate.people_table(cells)
    for found in (
        evaluate.difference(table, "dal", "ae", "t1_seen"),
        evaluate.lost_abroad(table, "dal", "t1", minus="ae"),
        evaluate.difference(table[table["seed"] == 0], "dal", "no_ssim", "t1_seen"),
        evaluate.difference(table[table["seed"] == 0], "dal", "zmap", "t1_seen"),
    ):
        assert found.low is None and found.high is None and found.side is None and found.trainings == 1
    assert str(evaluate.difference(table, "dal", "ae", "t1_seen")) == "+0.250"
    assert evaluate.trainings_of(table, "zmap") is None and evaluate.trainings_of(table, "dal") == 2


def test_trainings_of_a_baseline_are_drawn_by_themselves(cells):
    """Seeds of the method 0.1 apart and of the baseline 0.2: the interval spans all four pairs of them."""
    table = evaluate.people_table([*cells, detection("ae", 1, 0.5)])
    found = evaluate.difference(table, "dal", "ae", "t1_seen")
    assert found.value == pytest.approx(0.15) and found.trainings == 2
    assert (found.low, found.high) == pytest.approx((0.0, 0.3))


def test_what_is_lost_abroad_is_paired_by_head(cells):
    table = evaluate.people_table(cells)
    alone = evaluate.lost_abroad(table, "dal", "t1")
    assert (alone.value, alone.low, alone.trainings) == pytest.approx((-0.1, -0.1, 2))
    assert evaluate.lost_abroad(table, "dal", "t1", minus="ae").value == pytest.approx(0.1)
    assert evaluate.lost_abroad(table, "dal", "t1", minus="zmap").low == pytest.approx(-0.1)
    assert evaluate.lost_abroad(table, "dae", "t1") is None


def test_recall_draws_trainings_too(cells):
    """One seed finds every lesion and the other none: the interval spans both, though people do not differ."""
    done = [detection("dal", seed, 0.5) for seed in (0, 1)]
    for cell, hit in zip(done, (2, 0), strict=True):
        cell["scores"]["conditions"]["t1_seen"]["found"] = [[hit, 2, 0, 0, 0, 0, 0, 0]] * PEOPLE
    found = evaluate.recall(done, "dal", "t1_seen", 0)
    assert (found.value, found.low, found.high, found.n) == (0.5, 0.0, 1.0, PEOPLE)


def test_the_excess_around_a_lesion_is_pushed_minus_still_tissue_of_a_person():
    rings = {"t2_seen": {"pushed": [7000, None, 8000], "still": [5500, None, 5000]}}
    cell = {"parameters": {"method": "dal", "seed": 0}, "scores": {"rings": rings}}
    table = evaluate.rings_table([cell])
    assert table["excess"].tolist() == pytest.approx([0.15, np.nan, 0.3], nan_ok=True)
    assert evaluate.mean(table, "dal", "t2_seen", "excess").value == pytest.approx(0.225)
    assert evaluate.rings_table([]).empty


def test_the_best_baseline_is_the_best_on_validation_people_alone(cells):
    assert evaluate.best_baseline(cells, ("ae", "zmap", "dae")) == "zmap"
    assert evaluate.best_baseline([], ("ae",)) is None
    assert evaluate.validation_table(cells).loc["ae", evaluate.CHOSEN] == pytest.approx(0.2)


def test_false_alarms_recall_and_displacement(cells):
    healthy = evaluate.healthy_table(cells)
    assert evaluate.mean(healthy, "ae", "t2_unseen", "fpr").value == pytest.approx(0.02)
    assert evaluate.recall(cells, "ae", "t1_seen", 0).value == pytest.approx(0.5)
    assert evaluate.recall(cells, "ae", "t1_seen", 3) is None
    table = evaluate.people_table(cells)
    assert evaluate.mean(table, "dal", "t1_seen", "displaced").n == 1
    assert evaluate.lesion_recall(cells, "dal")["all"].max() == 2 * 2 * PEOPLE


def test_without_cells_there_are_empty_tables_and_no_intervals():
    assert evaluate.people_table([]).empty and evaluate.healthy_table([]).empty and evaluate.real_table([]).empty
    assert evaluate.methods_of(evaluate.people_table([])) == []
    assert evaluate.pooled([], "dal", "t1_seen") is None and evaluate.probe([], "dal", "z", "t1") is None


def test_real_people_keep_a_row_each():
    person = {"subject": "p", "sequence": "t1", "sections": 3, "prevalence": 700, "ap": 1000, "dsc_oracle": 2000}
    cell = {"parameters": {"data": "ms_lesions", "method": "dal", "seed": 0}}
    table = evaluate.real_table([cell | {"scores": {"people": [person | {"dsc_fpr": None}]}}])
    assert table.loc[0, "ap"] == pytest.approx(0.1) and table.loc[0, "prevalence"] == pytest.approx(0.007)


def test_figures_are_drawn_from_these_tables(cells):
    table, healthy = evaluate.people_table(cells), evaluate.healthy_table(cells)
    rows = []
    for condition in evaluate.CONDITIONS:
        sequence, group = condition.split("_")
        interval = evaluate.mean(table, "dal", condition)
        rows.append({"method": "dal", "sequence": sequence, "group": group, "seeds": [0.4], **vars(interval)})

    frame = pd.DataFrame(rows)
    assert isinstance(figures.detection_plot(frame, label="AP", references={"t1": 0.02}), Figure)
    grouped = frame.assign(kind="ms", panel=frame["sequence"])
    assert isinstance(figures.groups_plot(grouped, x="kind", label="AP"), Figure)
    alarms = healthy.assign(sequence=healthy["condition"].str[:2], group=healthy["condition"].str[3:])
    assert isinstance(figures.alarms_plot(alarms, target=0.01), Figure)
    tile = figures.Tile(np.eye(8), "x", np.eye(8) > 0, heat=True)
    assert isinstance(figures.panel([[tile, tile], [tile]], ["a", "b"]), Figure)
    places = np.random.default_rng(0).random((4, 2))
    assert isinstance(figures.vectors_plot(places, ["a", "a", "b", "b"], np.array([0, 1, 0, 1], bool)), Figure)
