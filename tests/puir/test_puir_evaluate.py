"""Tables and intervals from made-up cells whose answers are known."""

import warnings

import numpy as np
import pytest

from disentangle.metrics import trainings
from disentangle.metrics.intervals import Interval
from disentangle.puir import (
    evaluate,
    evaluate_tasks,
    report_feature,
    report_further,
    report_tasks,
    report_transfer,
)
from disentangle.puir.figures import dial_plot, dice_by_number, gains_by_region, uptake_plot
from disentangle.puir.scores import METRICS, REGIONS
from disentangle.puir.segmentation import subsets
from disentangle.runs.report import Report

PEOPLE = [f"p{i}" for i in range(6)]
BASE = np.linspace(15, 20, 6)
MODALITIES = ("T1", "T1ce", "T2", "FLAIR")


def scores(gain: float) -> dict:
    """PSNR of six people shifted by a gain; the last one has nothing that enhances."""
    columns = {f"{region}.{metric}": list(BASE + gain) for region in REGIONS for metric in METRICS}
    for name in ("enhancing.psnr", "to_T1ce"):
        columns[name] = [*(BASE[:-1] + gain), None]
    columns |= {"released_psnr": list(BASE), "released_ssim": list(BASE), "subject": PEOPLE}
    pairs = {f"{a}>{b}": [1.0 + gain, 2.0, 3.0, None] for a in MODALITIES for b in MODALITIES}
    rare = {f"{region}.psnr": [10 + gain, 12 + gain] for region in REGIONS} | {"subject": ["r0", "r1"]}
    rare |= {"no_enhancing": [True, False], "large_ventricles": [False, False], "several_foci": [False, True]}
    two = {name: list(BASE + gain) for name in ("brain", "tumour")}
    real = {"T1>T2": {"brain": [15.0 + gain, 0.1], "tumour": [10.0, 0.2]}}
    return {"people": columns, "pairs": pairs, "rare": rare, "scanner": two, "tcga_lgg": real}


def transfer_cell(method: str, seed: int, gain: float, jitter: float = 4.0, equivariance: float = 0.1) -> dict:
    found = scores(gain)
    found["retrieval"] = {frame: [0.5] * 6 for frame in ("own", "common", "inner")}
    found["equivariance"] = {"plane": [equivariance] * 6, "other": [0.4] * 6}
    own = {name: list(BASE) for name in ("brain", "tumour")}
    less = {name: list(BASE - 2) for name in own}
    found["x_h"] = {"own": own, "zero": less, "shuffle": own, "no_skip": less}
    return {"cell": method, "parameters": {"method": method, "seed": seed, "jitter": jitter}, "scores": found}


def baselines_cell() -> dict:
    retrieval = {frame: {"mask": [1.0] * 6, "correlation": [0.2] * 6} for frame in ("own", "common", "inner")}
    found = {"copy": scores(-3), "polynomial": scores(-1), "retrieval": retrieval}
    return {"cell": "baselines", "parameters": {"jitter": 4.0}, "scores": found}


def inside_cell() -> dict:
    return {"cell": "polynomial_inside", "parameters": {"jitter": 4.0}, "scores": {"polynomial_inside": scores(0.2)}}


def rate_cell(rate: float, gain: float) -> dict:
    people = {"subject": ["v0", "v1"], "brain": [15.0, 16 + gain], "tumour": [12 + gain, 13 + gain]}
    return {"cell": "rate", "parameters": {"learning_rate": rate, "seed": 0}, "scores": {"validation": people}}


def cost_cell() -> dict:
    found = {"step": {"puir": {"32": 0.1}}, "whole": {"1": {"cpu_s": 20.0, "mib": 900.0, "shape": [2, 2, 2]}}}
    return {"cell": "cost", "parameters": {}, "scores": found | {"processor": "one"}}


DONE = [
    baselines_cell(),
    *(transfer_cell("puir", seed, 1.0 + 0.1 * seed) for seed in (0, 1)),
    *(transfer_cell("matched", seed, 0.0) for seed in (0, 1)),
    inside_cell(),
    transfer_cell("no_contr", 0, 0.5),
    transfer_cell("no_equ", 0, 0.5, equivariance=0.05),
    *(transfer_cell(method, 0, gain) for method, gain in (("puir_no_skips", 0.3), ("matched_no_skips", 0.0))),
    rate_cell(0.002, 0.0),
    rate_cell(0.006, -1.0),
    *(transfer_cell("puir", 0, 0.2, 10.0), transfer_cell("matched", 0, 0.0, 10.0)),
    *(transfer_cell("puir", 0, 0.9, 0.0), transfer_cell("matched", 0, 0.0, 0.0)),
    cost_cell(),
]
TABLE = evaluate.people_table(DONE)


def test_paired_differences_hold_the_planted_gain_and_people_cancel():
    gain = evaluate.difference(TABLE, "puir", "matched", "brain.psnr")
    assert gain.value == pytest.approx(1.05) and gain.n == 6
    assert (gain.low, gain.high) == (pytest.approx(1.0), pytest.approx(1.1))
    assert evaluate.difference_by_seed(TABLE, "puir", "matched", "brain.psnr") == pytest.approx([1.0, 1.1])
    plain = evaluate.mean(TABLE, "matched", "brain.psnr")
    assert plain.value == pytest.approx(BASE.mean()) and plain.high - plain.low > 1


def test_what_has_no_seed_is_paired_with_every_seed():
    gain = evaluate.difference(TABLE, "puir", "polynomial", "tumour.psnr")
    assert gain.value == pytest.approx(2.05)
    assert len(evaluate.paired(TABLE, "puir", "polynomial", "tumour.psnr")) == 12
    assert evaluate.difference(TABLE, "polynomial", "copy", "tumour.psnr").value == pytest.approx(2)


def test_people_without_the_region_are_left_out():
    assert evaluate.mean(TABLE, "puir", "enhancing.psnr").n == 5


def test_what_has_not_run_is_none_and_tables_may_be_empty():
    assert evaluate.mean(TABLE, "unet", "brain.psnr") is None
    assert evaluate.difference(TABLE, "puir", "unet", "brain.psnr") is None
    empty = evaluate.people_table([])
    assert evaluate.mean(empty, "puir", "brain.psnr") is None
    assert evaluate.difference(empty, "puir", "matched", "brain.psnr") is None
    assert evaluate.dial_change(empty, "tumour.psnr", 0.0, 10.0) is None


def test_two_names_of_one_training():
    assert evaluate.mean(TABLE, "inv_equ", "tumour.psnr") == evaluate.mean(TABLE, "no_contr", "tumour.psnr")


def test_drops_and_the_dial():
    assert evaluate.drop(TABLE, "puir", "zero", "brain").value == pytest.approx(2)
    assert evaluate.drop(TABLE, "puir", "shuffle", "brain").value == 0
    levels = evaluate.dial(TABLE, "tumour.psnr", (0.0, 4.0, 10.0))
    assert {level: round(gain.value, 2) for level, gain in levels.items()} == {0.0: 0.9, 4.0: 1.05, 10.0: 0.2}
    assert evaluate.dial_change(TABLE, "tumour.psnr", 0.0, 10.0).value == pytest.approx(0.7)


def test_controls_of_retrieval_are_methods_of_their_own():
    assert evaluate.mean(TABLE, "mask", "retrieval.own").value == 1
    assert evaluate.difference(TABLE, "puir", "correlation", "retrieval.inner").value == pytest.approx(0.3)


def test_pairs_and_the_real_person():
    pairs = evaluate.pair_table(DONE, "puir", "volume")
    assert pairs.shape == (4, 4) and pairs.loc["T1", "T2"] == pytest.approx(2.05)
    found = evaluate.real_mean(evaluate.real_table(DONE), "puir", "brain.psnr")
    assert found.n == 1 and found.value == pytest.approx(np.mean([16.05, 15.2, 15.9]), abs=0.7)


def test_every_finding_of_the_transfer_page_has_its_id():
    report = Report("puir", "brain")
    found = recorded(report)
    values, gains = report_transfer.compared(report, TABLE)
    report_transfer.ablated(report, TABLE)
    report_transfer.without_skips(report, TABLE)
    report_feature.retrieval(report, TABLE, 6)
    report_feature.equivariance(report, TABLE)
    report_feature.use_of_invariant(report, TABLE)
    levels = report_transfer.dial(report, TABLE)
    report_further.further_people(report, TABLE, evaluate.rare_table(DONE))
    report_further.real_person(report, evaluate.real_table(DONE))
    released = report_transfer.released(report, TABLE)
    assert report_further.rate_words(report, DONE)
    report_further.costs(report, DONE)
    assert {
        "puir.brain.psnr.copy.volume",
        "puir.brain.nmse.matched.tumour",
        "puir.brain.ssim.puir.enhancing",
        "puir.brain.psnr.puir-matched.tumour",
        "puir.brain.psnr.inv_equ.tumour",
        "puir.brain.retrieval.mask",
        "puir.brain.retrieval.puir.one_outline",
        "puir.brain.equivariance.puir-matched",
        "puir.brain.psnr_drop.puir.zero",
        "puir.brain.psnr_drop.puir.no_skip",
        "puir.brain.psnr.puir-matched.tumour_jitter_10",
        "puir.tcga_lgg.psnr.puir.brain",
        "puir.brain.psnr.puir-matched.tumour_no_enhancing",
        "puir.brain.cost.whole.memory_1mm",
        "puir.brain.psnr.polynomial_inside.brain",
        "puir.brain.psnr.puir-polynomial_inside.tumour",
        "puir.tcga_lgg.psnr.polynomial_inside.brain",
        "puir.brain.retrieval.puir_no_skips-matched_no_skips.one_outline",
        "puir.brain.psnr_drop.puir_no_skips.shuffle",
        "puir.brain.equivariance.puir-no_equ",
        "puir.brain.psnr.puir.tumour_rate_high-tumour_rate_low",
    } <= set(found)
    assert "puir.brain.psnr.copy.released" not in found and "puir.brain.ssim.copy.released" in found
    assert "infinite" in released.loc["copy the source", "released PSNR"]
    assert len(found) == len(set(found))
    assert gains_by_region(gains, label="dB").axes and dial_plot(levels, label="dB").axes
    assert values.loc["PUIR", ("PSNR", "brain")] in ("18.5", "18.6")


def single_differences(monkeypatch, call) -> dict[str, tuple]:
    """Method and condition -> value and bounds of all findings that a call records."""
    seen, report = {}, Report("puir", "brain")
    original = report.finding

    def keep(*args, **kwargs):
        found = original(*args, **kwargs)
        seen[found.id] = (found.value, found.low, found.high)
        return found

    monkeypatch.setattr(report, "finding", keep)
    call(report)
    return seen


def test_differences_of_single_trainings_are_recorded_without_interval(monkeypatch):
    turned = single_differences(monkeypatch, lambda report: report_feature.equivariance(report, TABLE))
    assert turned["puir.brain.equivariance.puir-no_equ"] == (pytest.approx(0.05), None, None)
    assert None not in turned["puir.brain.equivariance.puir-matched"]
    dial = single_differences(monkeypatch, lambda report: report_transfer.dial(report, TABLE))
    assert dial["puir.brain.psnr.puir-matched.tumour_jitter_0"][1:] == (None, None)
    assert dial["puir.brain.psnr.puir-matched.tumour_jitter_0-tumour_jitter_10"][1:] == (None, None)
    assert None not in dial["puir.brain.psnr.puir-matched.tumour_jitter_4"]
    table = evaluate_tasks.dice_table(TASKS)
    dice = single_differences(monkeypatch, lambda report: report_tasks.dice_gains(report, table))
    assert set(low for _, low, _ in dice.values()) == {None}
    pet = evaluate_tasks.pet_ct_table(TASKS)
    gains = single_differences(monkeypatch, lambda report: report_tasks.pet_ct_gains(report, pet))
    assert gains and set(low for _, low, _ in gains.values()) == {None}


def test_verdicts_need_two_trainings():
    above, below, both = Interval(1, 0.5, 2, 6), Interval(-1, -2, -0.5, 6), Interval(0, -1, 1, 6)
    assert trainings.verdict(above, 1) == trainings.verdict(below, 1) == "is not decided by one training"
    said = [trainings.verdict(found, 2) for found in (above, below, both)]
    assert said == ["holds", "fails", "stays undecided"]


def test_single_trainings_put_puir_behind_nobody():
    _, gains = report_transfer.compared(Report("puir", "brain"), TABLE)
    assert report_transfer.behind(gains) == ""
    worse = gains.assign(value=-gains["value"], low=-gains["high"], high=-gains["low"])
    assert report_transfer.behind(worse).startswith("copy the source (whole volume, brain, tumour")
    assert report_transfer.behind(worse.assign(trainings=1)) == ""


def test_words_follow_the_numbers():
    assert "lower without the term" in report_feature.equivariance_words(TABLE)
    turned = TABLE.assign(**{"equivariance.plane": -TABLE["equivariance.plane"]})
    assert "higher without the term" in report_feature.equivariance_words(turned)
    rows = report_feature.constraints(TABLE)
    assert rows["PUIR minus it, tumour, dB"].tolist() == ["+0.50", "+0.50"] and rows["trainings"].tolist() == [1, 1]
    said = report_further.rate_words(Report("puir", "brain"), DONE)
    assert "tumour 0.002 (-1.00 dB" in said and "brain 0.002 (-0.50 dB" in said
    assert report_further.rate_words(Report("puir", "brain"), DONE[:4]) == ""
    assert "Lowest SSIM: copy the source (17.500)" in report_transfer.released_words(TABLE)
    retrieved = report_feature.retrieval_words(TABLE)
    assert "With skips, what PUIR's $X_h$ finds minus matched network +0.000 [+0.000, +0.000] (not told" in retrieved
    assert "minus grey values, correlated +0.300 [+0.300, +0.300] (more)" in retrieved
    assert "minus matched network, no skips +0.000 [+0.000, +0.000] (one training)" in retrieved
    assert "The outline alone finds" in retrieved


def test_the_matched_network_is_held_against_the_polynomial_too():
    rows = report_transfer.matched_gains(Report("puir", "brain"), TABLE)
    assert rows["value"].tolist() == pytest.approx([-0.2] * len(REGIONS)) and (rows["trainings"] == 2).all()


def test_a_loss_is_told_from_the_line_by_its_whole_interval():
    assert report_feature.against_line(Interval(0.4, 0.1, 0.7, 24), 3) == "on both sides of the line"
    assert report_feature.against_line(Interval(0.4, 0.3, 0.49, 24), 3) == "below the line"
    assert report_feature.against_line(Interval(0.9, 0.6, 1.1, 24), 3) == "above the line"
    assert report_feature.against_line(Interval(0.9, 0.6, 1.1, 24), 1) == "one training"


def test_means_of_the_real_person_and_the_memory_of_whole_brains_are_told():
    said = report_further.real_words(evaluate.real_table(DONE))
    assert said.startswith("Mean of all pairs, dB") and "PUIR " in said
    assert report_further.real_words(evaluate.real_table([])) == ""
    cell = {"scores": {"whole": {"3": {"mib": 500.0}, "1": {"mib": 900.0}}}}
    assert "of 1 mm takes 900 MiB" in report_further.memory_words([cell])
    assert "within the 2 GiB" in report_further.memory_words([cell])
    cell["scores"]["whole"]["1"]["mib"] = 3000.0
    assert "**above**" in report_further.memory_words([cell]) and report_further.memory_words([]) == ""


def test_pairs_in_which_puir_is_behind_are_named():
    said = report_transfer.pairs_words(DONE, "volume")
    assert "in the whole volume" in said and "Drawn as T1ce from the others: from T1 +0.8" in said
    assert report_transfer.pairs_words(DONE) == "", "nobody's pairs have a value there"
    assert report_transfer.pairs_words(DONE[1:2], "volume") == ""


def segmentation_cell(method: str, seed: int, gain: float) -> dict:
    words = ["".join(str(int(there)) for there in subset) for subset in subsets(4)]
    dice = {
        region: {word: [0.5 + gain + 0.1 * word.count("1")] * 5 + [None] for word in words} for region in ("wt", "et")
    }
    rare = {"subject": ["r0", "r1"], "no_enhancing": [True, False], "large_ventricles": [False] * 2}
    rare |= {"several_foci": [False, True], "dice": {"et": {"1111": [None, 0.3]}}, "false_enhancing": [7, None]}
    return {
        "cell": method,
        "parameters": {"method": method, "seed": seed},
        "scores": {"subject": PEOPLE, "dice": dice, "rare": rare, "fit_seconds": 1.0},
    }


def pet_cell(method: str, gain: float) -> dict:
    found = scores(gain)
    both = {name: list(BASE + gain) for name in ("brain", "tumour")}
    uptake = {name: {"true": list(BASE / 30), "drawn": list(0.3 + gain * BASE / 60)} for name in both}
    found |= {"directions": {"CT>PET": both, "PET>CT": both}, "uptake": uptake, "hot": [True, False] * 3}
    return {"cell": method, "parameters": {"method": method, "seed": 0}, "scores": found}


TASKS = [
    segmentation_cell("puir", 0, 0.1),
    segmentation_cell("matched", 0, 0.0),
    pet_cell("puir", 1.0),
    pet_cell("matched", 0.0),
]


def test_dice_is_averaged_over_subsets_of_a_size_and_paired():
    table = evaluate_tasks.dice_table(TASKS)
    assert evaluate_tasks.dice_mean(table, "matched", "wt", "two").value == pytest.approx(0.7)
    every = (4 * 0.6 + 6 * 0.7 + 4 * 0.8 + 0.9) / 15
    assert evaluate_tasks.dice_mean(table, "matched", "wt").value == pytest.approx(every)
    gain = evaluate_tasks.dice_difference(table, "puir", "matched", "et", "all")
    assert gain.value == pytest.approx(0.1) and gain.n == 5
    assert evaluate_tasks.dice_mean(table, "scratch", "wt") is None
    wide = evaluate_tasks.subset_table(table, "wt", MODALITIES)
    for cell in TASKS[:2]:
        assert report_tasks.subset_words(evaluate_tasks.dice_table([cell]), MODALITIES) == ""  # no tumour core
    assert wide.shape == (15, 2) and wide.loc["T1 + FLAIR", "puir"] == pytest.approx(0.8)


def test_words_on_subsets_count_the_contrasts_that_make_dice_worse():
    cell = segmentation_cell("puir", 0, 0.0)
    cell["scores"]["dice"]["tc"] = {word: [0.9 - 0.1 * word.count("1")] * 6 for word in cell["scores"]["dice"]["wt"]}
    said = report_tasks.subset_words(evaluate_tasks.dice_table([cell]), MODALITIES)
    assert "28 ways" in said and "in 28 (after PUIR's pre-training); what is added is" in said and "in 7 of 28" in said
    assert "0.90 with all contrasts, 0.80 without T1ce and 0.60 with T1ce alone" in said
    assert "other three changes it by +0.10; T1ce alone against those three, by -0.20" in said


def test_a_single_training_does_not_tell_whether_the_gain_shrinks():
    table = evaluate_tasks.dice_table(TASKS)
    said = report_tasks.missing_words(report_tasks.missing_gains(Report("puir", "brain"), table))
    assert said.startswith("One training of each")


def test_the_bias_of_drawn_uptake_and_the_directions_are_told():
    table = evaluate_tasks.pet_ct_table(TASKS)
    biases = report_tasks.uptake_bias(Report("puir", "brain"), table)
    assert biases["method"].tolist() == ["matched network", "PUIR"] and (biases["trainings"] == 1).all()
    drawn, true = 15 * (0.3 + BASE / 60), 15 * BASE / 30
    assert biases["value"].tolist()[1] == pytest.approx(float(np.mean(drawn - true)))
    assert "one training)" in report_tasks.bias_words(biases, 3.0)
    high, low = biases.assign(low=0.1, high=0.2), biases.assign(low=-0.2, high=-0.1)
    assert "(too high" in report_tasks.bias_words(high, 3.0) and "(too low" in report_tasks.bias_words(low, 3.0)
    assert report_tasks.bias_words(biases[:0], 3.0) == "" and report_tasks.pet_words(biases[:0]) == ""
    assert evaluate_tasks.uptake_bias(table, "copy", "tumour") is None
    gains = report_tasks.pet_ct_gains(Report("puir", "brain"), table)
    assert report_tasks.pet_words(gains).startswith("One training of each")
    said = report_tasks.pet_words(gains.assign(trainings=2))
    assert "better in" in said and "+1.00 dB" in said and "worse nowhere" in said


def test_a_gain_that_shrinks_where_contrasts_are_missing_is_told():
    cells_of = [segmentation_cell(method, seed, 0.0) for seed in (0, 1) for method in ("puir", "matched")]
    for cell in cells_of:
        if cell["parameters"]["method"] == "puir":
            for words in cell["scores"]["dice"].values():
                words["1111"] = [value and value + 0.05 for value in words["1111"]]
    table = evaluate_tasks.dice_table(cells_of)
    change, seeds = evaluate_tasks.gain_by_number(table, "puir", "matched", "wt")
    assert (change.value, change.high, seeds) == (pytest.approx(-0.05), pytest.approx(-0.05), 2)
    assert evaluate_tasks.gain_by_number(table, "puir", "scratch", "wt") == (None, 0)
    rows = report_tasks.missing_gains(Report("puir", "brain"), table)
    assert rows["region"].tolist() == ["whole tumour", "enhancing tumour"]
    said = report_tasks.missing_words(rows)
    assert "**smaller** with one contrast than with all four in: whole tumour, enhancing tumour" in said
    assert report_tasks.missing_words(report_tasks.missing_gains(Report("puir", "brain"), table[:0])) == ""


def test_the_correlation_of_uptake_keeps_its_sign():
    table = evaluate_tasks.pet_ct_table([*TASKS, pet_cell("polynomial", -1.0)])
    assert evaluate_tasks.uptake_correlation(table, "puir", "tumour").value == pytest.approx(1)
    assert evaluate_tasks.uptake_correlation(table, "matched", "tumour").value == 0
    against = evaluate_tasks.uptake_correlation(table, "polynomial", "tumour")
    assert against.value == pytest.approx(-1) and against.high < 0
    known = report_tasks.unpredictable(Report("puir", "brain"), table)
    assert "wholly above zero: PUIR, brain, PUIR, tumour" in report_tasks.unpredictable_words(known, 6)


def test_uptake_is_shown_once_a_person():
    again = pet_cell("puir", 3.0)
    again["parameters"]["seed"] = 1
    found = evaluate_tasks.mean_over_seeds(evaluate_tasks.pet_ct_table([*TASKS, again]), "puir")
    assert found["subject"].tolist() == PEOPLE and found["hot"].tolist() == [True, False] * 3
    assert found["uptake.brain.drawn"].tolist() == pytest.approx(list(15 * (0.3 + BASE / 30)))
    assert uptake_plot(found, "tumour").axes


def test_a_score_that_a_training_lacks_raises_no_warning():
    lacking = pet_cell("matched", 0.5)
    lacking["scores"]["people"]["enhancing.psnr"] = [None] * 6
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = evaluate_tasks.pet_ct_table([*TASKS, lacking])
    assert found["enhancing.psnr"].isna().sum() == 6 + 2  # and the last person of both other trainings


def test_uptake_is_in_suv():
    table = evaluate_tasks.pet_ct_table(TASKS)
    assert table["uptake.brain.true"].max() == pytest.approx(10)
    assert uptake_plot(table[table["method"] == "puir"], "tumour").axes


def test_every_finding_of_the_task_page_has_its_id():
    report = Report("puir", "brain")
    found = recorded(report)
    table, pet = evaluate_tasks.dice_table(TASKS), evaluate_tasks.pet_ct_table(TASKS)
    summary = report_tasks.dice(report, table)
    report_tasks.dice_gains(report, table)
    report_tasks.rare(report, table, evaluate_tasks.dice_table(TASKS, "rare"))
    report_tasks.pet_ct(report, pet)
    report_tasks.pet_ct_gains(report, pet)
    report_tasks.unpredictable(report, pet)
    assert {
        "puir.brain.dice.matched.wt_all",
        "puir.brain.dice.puir.et_one",
        "puir.brain.dice.puir-matched.et",
        "puir.brain.dice.puir.et_all_several_foci",
        "puir.pet_ct.psnr.puir.tumour",
        "puir.pet_ct.ssim.matched.brain",
        "puir.pet_ct.psnr.puir-matched.ct_to_pet_tumour",
        "puir.pet_ct.uptake_r.puir.tumour",
    } <= set(found)
    assert len(found) == len(set(found))
    assert dice_by_number(summary[summary["given"] != "all 15 subsets"]).axes
    false = report_tasks.false_enhancement(evaluate_tasks.dice_table(TASKS, "rare"))
    assert false["most"].tolist() == [7, 7] and false["people"].tolist() == [1, 1]
    assert false["trainings"].tolist() == [1, 1]


def recorded(report: Report) -> list[str]:
    """The ids of all findings that a report takes in from here on."""
    ids, original = [], report.finding
    report.finding = lambda *args, **kwargs: ids.append(original(*args, **kwargs).id)
    return ids
