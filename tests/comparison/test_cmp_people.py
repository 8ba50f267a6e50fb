"""The heads: the same in every style, others in every part."""

import numpy as np
import pytest
import torch

from disentangle.comparison.people import SEEDS, STYLES, TARGETS, Plan, donors, people

PLAN = Plan(training=1, validation=1, test=1, sections=2)


@pytest.fixture(scope="module")
def part():
    return people(PLAN, "training")


def test_every_head_is_seen_in_every_style(part):
    assert part.images.shape == (1, 2, 6, 64, 64) and len(STYLES) == 6
    assert part.images.min() >= 0 and part.images.max() <= 1
    assert (part.images[~np.broadcast_to(part.brain[:, :, None], part.images.shape)] == 0).all()
    differences = np.abs(part.images[:, :, :, None] - part.images[:, :, None]).mean((0, 1, 4, 5))
    assert (differences[~np.eye(6, dtype=bool)] > 0.005).all()


def test_rows_run_over_heads_sections_and_styles(part):
    assert np.array_equal(part.flat[7], part.images[0, 1, 1])
    assert (part.head[7], part.place[7], part.style[7]) == (0, 1, 1)
    assert np.array_equal(part.flat_brain[7], part.brain[0, 1])
    cohort = part.cohort()
    assert len(cohort) == 12 and cohort.people == 1 and cohort.samples["style"][7] == STYLES[1]


def test_biology_is_the_same_in_all_styles_and_counted_by_hand(part):
    targets = part.targets.reshape(1, 2, 6, len(TARGETS))
    assert (targets == targets[:, :, :1]).all()
    inside = part.brain[0, 1]
    assert targets[0, 1, 0, 2] == pytest.approx((part.labels[0, 1][inside] == 3).mean())
    assert targets[0, 1, 0, 3] == pytest.approx(inside.mean())


def test_every_part_has_heads_of_its_own(part):
    assert len(set(SEEDS.values())) == len(SEEDS) == 3
    assert part.subjects.tolist() == [f"brain{SEEDS['training']}_0000"]
    with pytest.raises(ValueError, match="no part 'tests'"):
        people(PLAN, "tests")


def test_pictures_do_not_depend_on_the_number_of_threads(part):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    people.cache_clear()
    try:
        assert np.array_equal(people(PLAN, "training").images, part.images) and torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_nobody_gives_a_style_to_himself():
    for heads in (2, 5, 24):
        giver = donors(heads)
        assert (giver != np.arange(heads)).all() and sorted(giver) == list(range(heads))
    with pytest.raises(ValueError, match="at least 2"):
        donors(1)
