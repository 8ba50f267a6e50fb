"""Scores on swaps and codes whose right answers are known."""

import numpy as np
import pytest

from disentangle.comparison import scores
from disentangle.comparison.controls import CONTROLS
from disentangle.comparison.protocol import Codes


@pytest.fixture(scope="module")
def found(training, held_out):
    return {
        name: scores.code_scores(control(training, 0), control(held_out, 0), training, held_out, 0)
        for name, control in CONTROLS.items()
    }


def mean(found: dict, control: str, score: str, probe: str = "linear") -> float:
    return float(np.mean(found[control][score][probe]))


def test_copying_costs_one_and_the_truth_nothing(held_out):
    copied = np.repeat(held_out.images[:, :, :, None], 6, axis=3)
    truth = np.repeat(held_out.images[:, :, None], 6, axis=2)
    errors = scores.swap_errors(copied, held_out)
    assert errors.swap == pytest.approx(1) and errors.own == pytest.approx(0)
    assert errors.pairs[~np.eye(6, dtype=bool)].mean() == pytest.approx(1)
    assert scores.swap_errors(truth, held_out).swap == pytest.approx(0)
    half = scores.swap_errors((copied + truth) / 2, held_out)
    assert half.swap == pytest.approx(0.5, abs=1e-6) and half.swap.shape == (6,)


def test_a_wrong_reconstruction_is_no_wrong_swap(held_out):
    drawn = np.repeat(held_out.images[:, :, None], 6, axis=2)
    drawn[:, :, range(6), range(6)] += 0.1
    errors = scores.swap_errors(drawn, held_out)
    assert errors.swap == pytest.approx(0) and (errors.own > 0.1).all()


@pytest.mark.parametrize("probe", scores.PROBES)
def test_a_perfect_code_keeps_style_and_biology_apart(found, probe):
    assert mean(found, "perfect", "style_from_biology", probe) == pytest.approx(1 / 6, abs=0.02)
    assert mean(found, "perfect", "style_from_nuisance", probe) == 1
    assert mean(found, "perfect", "biology_from_biology", probe) > (0.99 if probe == "linear" else 0.6)
    assert mean(found, "perfect", "biology_from_nuisance", probe) == pytest.approx(0, abs=0.02)
    assert np.mean(found["perfect"]["distance_correlation"]) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("probe", scores.PROBES)
def test_a_constant_code_tells_nothing(found, probe):
    for code in scores.CODES:
        assert mean(found, "constant", f"style_from_{code}", probe) == pytest.approx(1 / 6)
        assert mean(found, "constant", f"biology_from_{code}", probe) == pytest.approx(0, abs=1e-6)
    assert np.mean(found["constant"]["distance_correlation"]) == 0


def test_a_shuffled_code_tells_nothing_either(found):
    assert mean(found, "shuffled", "style_from_nuisance") == pytest.approx(1 / 6, abs=0.12)
    assert mean(found, "shuffled", "biology_from_biology") < 0.05
    assert abs(np.mean(found["shuffled"]["distance_correlation"])) < 0.15


def test_a_duplicated_code_holds_everything_twice(found):
    for code in scores.CODES:
        assert mean(found, "duplicated", f"style_from_{code}") == 1
        assert mean(found, "duplicated", f"biology_from_{code}") > 0.99
    assert np.mean(found["duplicated"]["distance_correlation"]) == pytest.approx(1)


def test_a_method_without_nuisance_has_no_scores_of_it(training, held_out):
    codes = [Codes(CONTROLS["perfect"](part, 0).biology, None) for part in (training, held_out)]
    found = scores.code_scores(*codes, training, held_out, 0)
    assert sorted(found) == ["biology_from_biology", "style_from_biology"]


def test_maps_are_pooled_and_long_codes_become_components():
    rng = np.random.default_rng(0)
    maps = rng.random((80, 3, 64, 64))
    train, test = scores.compact(maps, maps[:5], seed=0)
    assert train.shape == (80, scores.COMPONENTS) and np.allclose(train[:5], test)
    short, _ = scores.compact(maps[:, :1, :8, :8], maps[:5, :1, :8, :8], seed=0)
    assert short.std(0) == pytest.approx(1) and short.shape == (80, 64)
