"""The floor of biology: what the number of a section tells without the picture."""

import numpy as np
import pytest
from drawn_parts import drawn_part

from disentangle.comparison.people import TINY, people
from disentangle.comparison.scores import biology_r2
from disentangle.comparison.sections import section_alone


def test_where_sections_say_all_r2_is_one_and_where_they_say_nothing_it_is_about_zero():
    part = drawn_part(1, 3)
    assert section_alone(part, part).to_numpy() == pytest.approx(1)
    assert abs(section_alone(drawn_part(40, 3), drawn_part(30, 3, seed=1)).mean()) < 0.15


def test_it_is_the_linear_probe_of_the_number_of_the_section(training, held_out):
    numbers = [np.eye(part.grid[1])[np.indices(part.grid)[1].ravel()] for part in (training, held_out)]
    probe = biology_r2(numbers[0], training, numbers[1], held_out, "linear", 0)
    found = section_alone(training, held_out)
    assert list(found.index) == list(held_out.subjects)
    assert found.to_numpy() == pytest.approx(probe, abs=0.05)


def test_no_pixel_of_the_brain_is_black_so_the_curve_of_grey_values_leaves_none_out():
    part = people(TINY, "test")
    assert part.images.transpose(0, 1, 3, 4, 2)[part.brain].min() > 0
