"""A mirrored heart is told from a turned one."""

import numpy as np
import pytest

from disentangle.imaging.cardiac.handedness import check_people, measure
from disentangle.imaging.cardiac.labels import CardiacError

MIRRORS = {
    "transposed": lambda a: a.transpose(0, 2, 1),
    "columns reversed": lambda a: a[:, :, ::-1],
    "rows reversed": lambda a: a[:, ::-1],
}


def test_the_usual_heart_scores_positive_with_rv_left(heart):
    found = measure(*heart())
    assert found.score > 0.5
    assert 125 < found.rv_direction < 248


@pytest.mark.parametrize("way", MIRRORS)
def test_a_mirror_image_has_exactly_the_opposite_score(heart, way: str):
    image, labels = heart()
    mirrored = measure(MIRRORS[way](image), MIRRORS[way](labels))
    assert mirrored.score == pytest.approx(-measure(image, labels).score, rel=0.02)
    with pytest.raises(CardiacError, match="folder.*mirror images"):
        check_people([mirrored], "folder")


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_turning_does_not_change_the_score(heart, turns: int):
    image, labels = (np.rot90(part, turns, axes=(1, 2)) for part in heart())
    assert measure(image, labels).score == pytest.approx(measure(*heart()).score, rel=0.02)


def test_half_a_turn_is_refused_for_rv_on_the_wrong_side(heart):
    image, labels = (np.rot90(part, 2, axes=(1, 2)) for part in heart())
    with pytest.raises(CardiacError, match="right of LV"):
        check_people([measure(image, labels)], "folder")


def test_without_rv_nothing_is_said(heart):
    image, labels = heart()
    unknown = measure(image, np.where(labels == 1, 0, labels))
    assert np.isnan(unknown.score)
    check_people([unknown], "folder")
