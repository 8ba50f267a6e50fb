"""Probes and agreement on features whose answer is known."""

import numpy as np
import pytest

from disentangle.anatomy_uad import probes

SUBJECT = np.repeat(np.arange(8), 20)
SITES = np.tile(np.repeat(["A", "B"], 10), 8)


def test_equal_maps_agree_and_swapped_tissues_do_not():
    tissues = np.array([[[0, 1], [2, 3]]])
    assert probes.tissue_dice(tissues, tissues) == {"csf": 1, "gm": 1, "wm": 1}
    assert probes.tissue_dice(tissues, np.array([[[0, 2], [1, 3]]])) == {"csf": 0, "gm": 0, "wm": 1}
    with pytest.raises(ValueError, match="tissue maps have the shapes"):
        probes.tissue_dice(tissues, tissues[:, :1])


def test_a_feature_of_the_site_names_it_and_noise_does_not():
    generator = np.random.default_rng(0)
    noise = generator.standard_normal((160, 6))
    telling = noise + 4 * (SITES == "B")[:, None]
    assert probes.hits(telling, SITES, SUBJECT).mean() > 0.95
    assert abs(probes.hits(noise, SITES, SUBJECT).mean() - 0.5) < 0.15


def test_a_feature_that_marks_the_person_alone_is_no_help_with_others():
    person = np.eye(8)[SUBJECT] * np.where(SITES == "A", 1, -1)[:, None]
    assert probes.hits(person, SITES, SUBJECT).mean() < 0.7


def test_one_person_is_too_few():
    with pytest.raises(ValueError, match="at least two people"):
        probes.hits(np.zeros((4, 2)), np.array(list("ABAB")), np.zeros(4))


def test_pooling_takes_means_of_squares():
    maps = np.arange(64, dtype=float).reshape(1, 8, 8)
    assert probes.pooled(maps)[0, 0] == maps[0, :4, :4].mean()
    assert probes.tissue_features(np.ones((1, 8, 8)))[0].tolist() == [1] * 4 + [0] * 8
