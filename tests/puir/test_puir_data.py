"""People's volumes: every accepted form means the same, and every fault is named."""

import numpy as np
import pytest
import torch
from heads_of_people import SIDE, drawn_people

from disentangle.puir.data import people
from disentangle.puir.views import boxes, ordered_sources, view, with_boxes_cut_out

NAMES = ("t1", "t1ce", "t2", "flair")


def cases(volumes) -> list[dict]:
    return [dict(zip(NAMES, person, strict=True)) for person in volumes]


def test_arrays_stacks_and_cases_are_the_same_people(volumes):
    one = people(volumes, NAMES, SIDE)
    stacks = people({name: volumes[:, i] for i, name in enumerate(NAMES)}, NAMES, SIDE)
    listed = people(cases(volumes), NAMES, SIDE)
    assert one.sha256 == stacks.sha256 == listed.sha256
    assert torch.equal(one.foreground, torch.from_numpy((volumes > 0).any(1)))


def test_absent_keys_are_missing_modalities(volumes):
    lacking = cases(volumes)
    del lacking[1]["t2"]
    there = np.ones((6, 4), bool)
    there[1, 2] = False
    found = people(lacking, NAMES, SIDE)
    assert torch.equal(found.present, torch.from_numpy(there))
    assert found.sha256 == people(volumes, NAMES, SIDE, present=there).sha256  # what lies there is not looked at
    assert found.images[1, 2].abs().max() == 0


def _faulty(volumes, fault: str):
    bad = cases(volumes.copy())
    match fault:
        case "grid":
            bad[2]["t2"] = bad[2]["t2"][1:]
        case "zero":
            bad[3]["flair"] = np.zeros_like(bad[3]["flair"])
        case "nan":
            bad[1]["t1"][0, 0, 0] = np.nan
        case "range":
            bad[1]["t1"] = 2 * bad[1]["t1"]
        case "name":
            bad[0]["pd"] = bad[0]["t1"]
        case "nothing":
            bad[4] = {}
    return bad


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("grid", r"person 2: t2 is \(15, 16, 16\), expected \(16, 16, 16\)"),
        ("zero", "person 3: flair is zero everywhere"),
        ("nan", "person 1: t1 has values that are not finite"),
        ("range", "person 1: t1 has values that are not finite or not in 0..1"),
        ("name", r"person 0: unknown modalities \['pd'\]"),
        ("nothing", "person 4 has no modality"),
    ],
)
def test_a_fault_names_person_and_modality(volumes, fault, message):
    with pytest.raises(ValueError, match=message):
        people(_faulty(volumes, fault), NAMES, SIDE)


def test_shapes_that_do_not_fit_are_refused(volumes):
    with pytest.raises(ValueError, match=r"expected \(person, 4, 32, 32, 32\)"):
        people(volumes, NAMES, 32)
    with pytest.raises(ValueError, match="present has the shape"):
        people(volumes, NAMES, SIDE, present=np.ones((6, 3)))
    with pytest.raises(ValueError, match="different numbers of people"):
        people({"t1": volumes[:, 0], "t2": volumes[1:, 0]}, NAMES, SIDE)


def test_present_sources_come_first_and_in_random_order():
    present = torch.tensor([[True, False, True, True]] * 500)
    order, valid = ordered_sources(present, None)
    assert valid[:, :3].all() and not valid[:, 3].any() and (order[:, 3] == 1).all()
    first = torch.bincount(order[:, 0], minlength=4) / 500
    assert first[1] == 0 and (first[[0, 2, 3]] - 1 / 3).abs().max() < 0.1


def test_boxes_hide_the_stated_part_on_average_within_their_bounds():
    assert abs(float(boxes(200, 32, 0.3).float().mean()) - 0.3) < 0.03
    one = boxes(50, 16, 1e-6)
    assert (one.sum((1, 2, 3)) <= 4**3).all() and one.flatten(1).any(1).all()


def test_a_cut_out_leaves_the_rest_alone():
    torch.manual_seed(0)
    volumes = torch.rand(4, 1, 16, 16, 16) / 4 + 2
    found = with_boxes_cut_out(volumes, 0.3, persons=1)
    changed = (found != volumes).flatten(1).float().mean(1)
    assert (found[found != volumes] <= 1).all() and 0.15 < changed.mean() < 0.45
    assert with_boxes_cut_out(volumes, 0.0, persons=1) is volumes


def test_without_cut_out_a_view_is_a_turned_copy():
    images, _ = drawn_people(3)
    found = view(torch.from_numpy(images), "cube", 0.0)
    expected = torch.from_numpy(images).flatten(0, 1)[:, None].flatten(1).sort(1).values
    assert torch.equal(found.volumes.flatten(1).sort(1).values, expected)
    assert len(set(found.numbers.tolist())) > 3
