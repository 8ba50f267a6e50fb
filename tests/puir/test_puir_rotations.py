"""Rotations of the cube: a group, exact, and the released quarter turns among them."""

import pytest
import torch

from disentangle.puir.rotations import all_rotations, compose, inverse, turn, turn_back

NUMBERED = torch.arange(27.0).view(1, 3, 3, 3)


def turned(number: int, maps: torch.Tensor = NUMBERED) -> torch.Tensor:
    return turn(maps, torch.tensor([number]))


def test_there_are_24_different_ones_and_none_is_a_reflection():
    assert len({tuple(turned(number).flatten().tolist()) for number in range(24)}) == 24
    assert all(round(float(torch.linalg.det(torch.tensor(r.matrix, dtype=float)))) == 1 for r in all_rotations())


def test_the_first_four_are_quarter_turns_of_the_last_two_axes():
    for number in range(4):
        assert torch.equal(turned(number), torch.rot90(NUMBERED, number, (-2, -1)))
        for other in range(4):
            assert compose(number, other) == (number + other) % 4


def test_they_form_a_group():
    for a in range(24):
        assert compose(a, 0) == compose(0, a) == a
        back = int(inverse(torch.tensor([a]))[0])
        assert compose(a, back) == compose(back, a) == 0
        # Closed, and composition is what turning twice does.
        assert all(torch.equal(turned(compose(a, b)), turned(a, turned(b))) for b in range(24))


def test_turning_back_is_exact_whatever_lies_before_the_three_axes():
    numbers = torch.arange(24)
    maps = torch.randn(24, 2, 5, 4, 4, 4)
    there = turn(maps, numbers)
    assert torch.equal(turn_back(there, numbers), maps)
    assert all(torch.equal(there[i], turned(i, maps[i : i + 1])[0]) for i in range(24))


def test_a_cuboid_or_a_missing_number_is_refused():
    with pytest.raises(ValueError, match=r"sides \(3, 4, 4\)"):
        turn(torch.zeros(1, 3, 4, 4), torch.tensor([4]))
    with pytest.raises(ValueError, match=r"sides \(4, 4, 3\)"):
        turn(torch.zeros(1, 4, 4, 3), torch.tensor([1]))
    with pytest.raises(ValueError, match="1 rotations for 2 maps"):
        turn(torch.zeros(2, 3, 3, 3), torch.tensor([1]))


def test_slices_may_turn_in_their_plane():
    maps = torch.randn(3, 2, 1, 4, 4)
    numbers = torch.tensor([0, 1, 2])
    there = turn(maps, numbers)
    assert torch.equal(there[1], torch.rot90(maps[1], 1, (-2, -1)))
    assert torch.equal(turn_back(there, numbers), maps)
