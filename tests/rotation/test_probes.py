"""Probes read what is there, linear or not, and nothing where there is nothing."""

import numpy as np
import pytest
from scipy.stats import binom
from sklearn.metrics import balanced_accuracy_score

from disentangle.rotation.differences import pair_table
from disentangle.rotation.probes import (
    balanced_accuracy,
    fit_probe,
    guessing_limit,
    same_location,
    setting_probe,
    tissue_probe,
)

KINDS = ("linear", "mlp")


def halves(latents: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, ...]:
    middle = len(labels) // 2
    return latents[:middle], labels[:middle], latents[middle:], labels[middle:]


@pytest.mark.parametrize("kind", KINDS)
def test_separated_settings_are_read_and_shuffled_ones_are_not(kind):
    rng = np.random.default_rng(0)
    labels = rng.choice(["a", "b", "c"], 1500)
    latents = rng.standard_normal((1500, 4)) + 8 * np.eye(4)[np.unique(labels, return_inverse=True)[1]]
    assert setting_probe(*halves(latents, labels), kind) > 0.98
    assert setting_probe(*halves(latents, rng.permutation(labels)), kind) == pytest.approx(1 / 3, abs=0.06)


def test_a_network_reads_a_ring_that_a_line_cannot():
    """The nonlinear residue of a removed factor: both classes have one mean."""
    rng = np.random.default_rng(0)
    radius = rng.choice([1.0, 3.0], 2000)
    angle = rng.uniform(0, 2 * np.pi, 2000)
    latents = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]) + 0.1 * rng.standard_normal((2000, 2))
    labels = np.where(radius > 2, "far", "near")
    linear, mlp = (tissue_probe(*halves(latents, labels), kind) for kind in KINDS)
    assert linear == pytest.approx(0.5, abs=0.06) and mlp > 0.95


@pytest.mark.parametrize("kind", KINDS)
def test_constant_latents_are_at_chance(kind):
    labels = np.tile(["a", "b"], 200)
    assert setting_probe(*halves(np.ones((400, 3)), labels), kind) == 0.5


def test_rare_settings_count_as_much_as_frequent_ones():
    rng = np.random.default_rng(0)
    labels = np.where(rng.random(4000) < 0.05, "rare", "often")
    latents = rng.standard_normal((4000, 2)) + 1.5 * (labels == "rare")[:, None]
    train, train_labels, test, test_labels = halves(latents, labels)
    predicted = fit_probe(train, train_labels).predict(test)
    assert balanced_accuracy(test_labels, predicted) > 0.8
    assert balanced_accuracy(test_labels, predicted) == pytest.approx(balanced_accuracy_score(test_labels, predicted))
    assert balanced_accuracy(test_labels, np.full(len(test), "often")) == 0.5


def test_the_scale_of_a_dimension_does_not_matter():
    rng = np.random.default_rng(0)
    labels = rng.choice(["a", "b"], 600)
    latents = rng.standard_normal((600, 3)) + (labels == "a")[:, None]
    scaled = latents * [1e3, 1e-3, 1] + [5e3, 0, 0]
    assert setting_probe(*halves(latents, labels)) == pytest.approx(setting_probe(*halves(scaled, labels)), abs=0.01)


def test_luck_exceeds_the_limit_as_rarely_as_the_binomial_says():
    limit = guessing_limit(0.25, 400)
    assert limit == pytest.approx(0.25 + 2 * np.sqrt(0.25 * 0.75 / 400))
    assert 0.01 < binom.sf(limit * 400, 400, 0.25) < 0.03


def test_the_same_location_is_found_where_pairs_agree_and_by_luck_where_they_do_not():
    rng = np.random.default_rng(0)
    base = rng.standard_normal((200, 10))
    table = pair_table(np.tile(["a", "b"], 200), np.repeat(np.arange(200), 2))
    assert same_location(np.repeat(base, 2, axis=0) + 0.01 * rng.standard_normal((400, 10)), table) == 1
    assert same_location(rng.standard_normal((400, 10)), table) < 0.05


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"test_setting": np.array(["a", "z"])}, r"test labels name \['z'\]"),
        ({"train_setting": np.array(["a"] * 4)}, "labels are 'a' in every row"),
        ({"test_latents": np.zeros((2, 3))}, "3 dimensions, expected 2"),
        ({"train_latents": np.full((4, 2), np.nan)}, "4 rows hold NaN"),
        ({"kind": "tree"}, "kind is 'tree', expected 'linear' or 'mlp'"),
    ],
)
def test_wrong_rows_are_refused(change, message):
    rows = {
        "train_latents": np.arange(8.0).reshape(4, 2),
        "train_setting": np.array(["a", "b"] * 2),
        "test_latents": np.zeros((2, 2)),
        "test_setting": np.array(["a", "b"]),
    }
    if "train_setting" in change:
        change = change | {"test_setting": np.array(["a", "a"])}
    with pytest.raises(ValueError, match=message):
        setting_probe(**(rows | change))
