"""Swaps against the exact picture: perfect, useless and partly right ones, and pairs of the phantom itself."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from drawn_hearts import drawn_hearts

from disentangle.imaging import datasets
from disentangle.sdnet.fitted import Fitted
from disentangle.sdnet.swaps import (
    Swap,
    channel_dice,
    draw_pairs,
    mean_channel_dice,
    swap_errors,
    swap_scores,
    swap_summary,
    swap_table,
    swapped_pictures,
)
from disentangle.sdnet.train import new_task
from disentangle.training import History


@pytest.fixture(scope="module")
def hearts():
    cohort = drawn_hearts(6)
    return replace(cohort, samples=cohort.samples.assign(level=cohort.samples["slice"] / 2))


def test_donors_are_other_people_on_other_scanners_at_the_nearest_level(hearts):
    pairs = draw_pairs(hearts, 20, 0)
    assert len(pairs) == 20 and pairs["row"].is_unique
    one, other = (hearts.samples.iloc[pairs[name]].reset_index(drop=True) for name in ("row", "donor"))
    assert (one["subject"] != other["subject"]).all() and (one["scanner"] != other["scanner"]).all()
    assert (one["level"] == other["level"]).all()
    assert draw_pairs(hearts, 20, 0).equals(pairs) and not draw_pairs(hearts, 20, 1).equals(pairs)
    anyone = draw_pairs(hearts, 50, 0, across="person")
    same = [hearts.samples["scanner"].to_numpy()[anyone[name]] for name in ("row", "donor")]
    assert (same[0] == same[1]).any()


def test_without_another_scanner_there_is_no_donor(hearts):
    mr = hearts.select((hearts.samples["scanner"] == "mr").to_numpy())
    with pytest.raises(ValueError, match="no image has a donor of another modality"):
        draw_pairs(mr, 5, 0, across="modality")
    with pytest.raises(ValueError, match="across is 'vendor'"):
        draw_pairs(mr, 5, 0, across="vendor")


def pictures(hearts, pairs, share: float) -> Swap:
    """Swaps that go the given share of the way from the source to an exact picture one half brighter."""
    source = 0.5 * hearts.images[pairs["row"]]
    exact = source + 0.5
    s = np.zeros((len(pairs), 2, 48, 48), np.uint8)
    s[:, 0, :24], s[:, 1, 24:] = 1, 1
    return Swap(source, exact, source + share * 0.5, exact, s, s, s[:, ::-1])


def test_a_perfect_swap_has_no_error_a_copy_all_of_it_and_half_the_way_half(hearts):
    pairs = draw_pairs(hearts, 30, 0)
    for share in (0.0, 0.5, 1.0):
        table = swap_table(hearts, pairs, pictures(hearts, pairs, share))
        for heart in (False, True):
            found = swap_summary(table, draws=50, seed=0, heart=heart)
            assert found["fraction"].value == pytest.approx(1 - share, abs=1e-6)
            assert found["difference"].value == pytest.approx(-0.5 * share, abs=1e-6)
            assert found["own_fraction"].value == 0
        assert found["better"].value == (share > 0)
        assert found["consistency"].value == 1 and found["other_anatomy"].value == 0


def test_each_person_counts_once(hearts):
    table = pd.DataFrame({"subject": list("aaab"), "donor_subject": list("bbba"), "from": "mr", "to": "ct"})
    for name in ("copy", "own", "copy_heart", "own_heart", "swap_heart", "consistency", "other_anatomy"):
        table[name] = 1.0
    table["swap"] = [0.0, 0.0, 0.0, 1.0]
    assert swap_summary(table, draws=20, seed=0)["fraction"].value == 0.5
    scores = swap_scores(table)
    assert [(one["subject"], one["pairs"], one["swap"]) for one in scores] == [("a", 3, 0), ("b", 1, 1)]


def test_scores_are_json_also_without_a_heart(hearts):
    pairs = draw_pairs(hearts, 10, 0)
    without = replace(hearts, labels=np.zeros_like(hearts.labels))
    scores = swap_scores(swap_table(without, pairs, pictures(hearts, pairs, 0.5)))
    assert json.loads(json.dumps(scores, allow_nan=False)) == scores
    assert all(one["swap_heart"] is None for one in scores)


def test_anatomies_without_a_claimed_pixel_have_no_consistency_and_no_interval(hearts):
    pairs = draw_pairs(hearts, 10, 0)
    made = pictures(hearts, pairs, 0.5)
    empty = np.zeros_like(made.anatomy)
    table = swap_table(hearts, pairs, replace(made, anatomy=empty, anatomy_exact=empty))
    found = swap_summary(table, draws=20, seed=0)
    assert np.isnan(found["consistency"].value) and found["other_anatomy"].value == 0
    assert found["fraction"].value == pytest.approx(0.5)


def test_anatomies_agree_by_the_dice_of_their_channels():
    a, b = np.zeros((2, 1, 3, 4, 4))
    a[0, 0, :2], b[0, 0, 1:3] = 1, 1
    a[0, 1, 3] = 1
    assert channel_dice(a, b)[0, :2].tolist() == [0.5, 0] and np.isnan(channel_dice(a, b)[0, 2])
    assert mean_channel_dice(a, b).tolist() == [0.25]
    soft = np.random.default_rng(0).dirichlet(np.ones(3), (1, 4, 4)).transpose(0, 3, 1, 2)
    assert channel_dice(soft, soft) == pytest.approx(np.ones((1, 3)), abs=1e-6)
    with pytest.raises(ValueError, match="expected .image, channel, height, width."):
        channel_dice(a, b[:, :2])


def test_an_untrained_network_is_held_against_the_exact_pictures_of_the_phantom(small):
    cohort = datasets.load("heart_phantom", people=2, frames=2, size=48)
    config = replace(small, classes=3)
    fitted = Fitted(new_task(config, 0).model, config, History(), 0.0, False)
    pairs = draw_pairs(cohort, 6, 0, across="person")
    found = swapped_pictures(fitted, cohort, pairs)
    assert found.exact.shape == found.swapped.shape == found.own.shape == (6, 1, 48, 48)
    table = swap_errors(fitted, cohort, pairs)
    assert (table["copy"] > 0.005).all() and (table["swap"] > table["copy"]).all()  # untrained: worse than a copy
    own = pd.DataFrame({"row": [0], "donor": [0]})  # in its own style, copying is exact
    assert swap_errors(fitted, cohort, own)["copy"].item() == pytest.approx(0, abs=1e-6)
