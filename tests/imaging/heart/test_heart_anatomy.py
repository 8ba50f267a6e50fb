"""Hearts have the sizes of their diagnosis, contract as they should, and their labels are what they say."""

import numpy as np
import pytest
from scipy import ndimage

from disentangle.imaging.heart import tissues, ventricles
from disentangle.imaging.heart.anatomy import LABELS, SUB_SLICES, Grid, draw_stacks, joined
from disentangle.imaging.heart.groups import GROUPS, draw_person, follows_rule
from disentangle.imaging.heart.subject import chosen_frames, contraction_at, draw_heart

PER_GROUP = 12
GRID = Grid(128, 1.37)


@pytest.fixture(scope="module")
def hearts():
    return [draw_heart(number, seed=0) for number in range(PER_GROUP * len(GROUPS))]


@pytest.fixture(scope="module")
def stacks(hearts):
    return [draw_stacks(heart, GRID, frames=2) for heart in hearts[:5]]


def volumes(heart, contraction):
    return ventricles.volumes_ml(heart.shape, ventricles.state_at(heart.shape, contraction))


@pytest.mark.parametrize("group", list(GROUPS))
def test_people_of_a_group_have_its_volumes_and_ejection_fractions(hearts, group):
    table, mine = GROUPS[group], [heart for heart in hearts if heart.person.group == group]
    ends = [(volumes(heart, 0.0), volumes(heart, 1.0)) for heart in mine]
    found = {
        "edv_ml": [ed["LV"] for ed, _ in ends],
        "lvef": [100 * (1 - es["LV"] / ed["LV"]) for ed, es in ends],
        "rv_edv_ml": [ed["RV"] for ed, _ in ends],
        "rvef": [100 * (1 - es["RV"] / ed["RV"]) for ed, es in ends],
    }
    for name, values in found.items():
        mean, sd = getattr(table, name)
        assert np.all(np.abs(np.array(values) - mean) <= 2.2 * sd + 1e-3), name
        assert abs(np.mean(values) - mean) < sd, name
    assert all(follows_rule(heart.person) for heart in mine)


def test_volumes_and_masses_order_the_groups_as_published(hearts):
    mean = {g: np.mean([ventricles.mass_g(h.shape) for h in hearts if h.person.group == g]) for g in GROUPS}
    assert 75 < mean["NOR"] < 140 and 170 < mean["HCM"] < 240  # digest 11.2: 111 and 193 g
    assert mean["NOR"] < mean["MINF"] < mean["HCM"]
    heavy = [h for h in hearts if h.person.group == "HCM"]
    assert all(ventricles.mass_g(h.shape) / h.person.bsa_m2 > 110 for h in heavy)


def test_the_cavity_of_an_even_heart_is_that_of_the_formula(hearts):
    # V = 0.75 pi a^2 L for the exponent 2.5 (digest 11.1)
    shape = hearts[0].shape
    even = {"ripple": np.zeros((2, 3)), "septal_flattening": 0.0}
    plain = type(shape)(**{**vars(shape), **even})
    length = plain.person.length_mm
    closed = 0.75 * np.pi * plain.radius_mm**2 * length / 1000
    found = ventricles.volumes_ml(plain, ventricles.State(length, 0.0, 0.0, 0.0))["LV"]
    assert found == pytest.approx(closed, rel=0.01)


def test_the_myocardium_keeps_its_volume_and_thickens_in_systole(hearts):
    for heart in hearts[:10]:
        parts = [volumes(heart, share)["MYO"] for share in (0.0, 0.4, 1.0)]
        assert np.ptp(parts) < 1e-3 * parts[0]
        assert ventricles.state_at(heart.shape, 1.0).thickening > 0.05


def test_a_scar_does_not_move_and_the_rest_does(hearts):
    heart = next(h for h in hearts if h.person.group == "MINF")
    person = heart.person
    scar = int(round(person.scar_angle * ventricles.ANGLES / (2 * np.pi))) % ventricles.ANGLES
    base = [person.length_mm - ventricles.state_at(heart.shape, share).length_mm for share in (0.0, 1.0)]
    radii = []
    for share, start in zip((0.0, 1.0), base, strict=True):
        state = ventricles.state_at(heart.shape, share)
        z = np.array([start + person.scar_level * state.length_mm])
        surfaces = ventricles.surfaces(heart.shape, state, z)
        wall = surfaces.epicardium - surfaces.endocardium
        radii.append((surfaces.endocardium[0, scar], np.roll(surfaces.endocardium[0], 36)[scar], wall[0, scar]))
    assert radii[1][0] == pytest.approx(radii[0][0], rel=0.02)
    assert radii[1][1] < 0.95 * radii[0][1]
    assert radii[1][2] == pytest.approx(radii[0][2], rel=0.08)


def test_surfaces_are_nested_everywhere_and_at_all_times(hearts):
    for heart in hearts[:10]:
        z = np.linspace(-20, heart.person.length_mm + 15, 60)
        for share in (0.0, 0.5, 1.0):
            walls = ventricles.surfaces(heart.shape, ventricles.state_at(heart.shape, share), z)
            inside = [walls.endocardium, walls.epicardium, walls.right, walls.outer]
            assert all((b >= a).all() for a, b in zip(inside, inside[1:], strict=False))
            assert (walls.right[walls.level > ventricles.RV_END] == walls.epicardium[walls.level > 0.85]).all()


def test_the_beat_starts_at_rest_is_done_at_end_systole_and_returns(hearts):
    for heart in hearts[:10]:
        curve = np.array([contraction_at(heart, frame) for frame in range(heart.beat_frames)])
        assert (
            curve[0] == 0 and curve[heart.systolic_frame] == pytest.approx(1) and curve.argmax() == heart.systolic_frame
        )
        assert (np.diff(curve[: heart.systolic_frame + 1]) > 0).all() and curve[-1] < 0.15
        assert 20 <= heart.beat_frames <= 35 and 8 <= heart.systolic_frame <= 14


@pytest.mark.parametrize("frames", [2, 3, 4, 9])
def test_frames_are_both_ends_and_others_between(hearts, frames):
    chosen = chosen_frames(hearts[0], frames)
    assert len(chosen) == frames
    assert chosen[0] == "ED" and chosen[hearts[0].systolic_frame] == "ES"
    assert list(chosen.values()).count("between") == frames - 2


def test_labels_count_the_volumes_of_the_heart(hearts, stacks):
    voxels = [GRID.pixel_mm**2 * heart.spacing_mm / 1000 for heart in hearts]
    errors = {name: [] for name in LABELS}
    for heart, stack, voxel in zip(hearts, stacks, voxels, strict=False):
        for phase, share in (("ED", 0.0), ("ES", 1.0)):
            labels = stack.labels[(stack.samples["phase"] == phase).to_numpy()]
            for name, truth in volumes(heart, share).items():
                errors[name].append((labels == LABELS[name]).sum() * voxel / truth - 1)
    # whole slices count or not: a slice is a tenth of a heart
    assert all(np.abs(found).max() < 0.2 and abs(np.mean(found)) < 0.08 for found in errors.values()), errors


def test_myocardium_surrounds_the_cavity_in_every_slice(stacks):
    coarse = draw_stacks(draw_heart(1, seed=0), Grid(64, 2.74), frames=2)
    for labels in [*joined(stacks).labels, *coarse.labels]:
        cavity = labels == LABELS["LV"]
        rim = ndimage.binary_dilation(cavity) & ~cavity
        assert (labels[rim] == LABELS["MYO"]).all()


def test_no_heart_is_cut_off_by_the_picture(hearts):
    widest = sorted(hearts, key=lambda heart: -heart.person.rv_edv_ml)[:3]
    for labels in joined([draw_stacks(heart, Grid(64, 2.74), frames=2) for heart in widest]).labels:
        assert not labels[[0, -1]].any() and not labels[:, [0, -1]].any()


def test_each_slice_has_one_cavity_and_the_right_ventricle_lies_to_its_right(stacks):
    for stack, turn in ((s, s.samples["turn_rad"].iloc[0]) for s in stacks):
        for labels in stack.labels[(stack.samples["level"].between(0.1, 0.6)).to_numpy()]:
            assert ndimage.label(labels == LABELS["LV"])[1] == 1
            row, column = np.subtract(*(ndimage.center_of_mass(labels == LABELS[name]) for name in ("RV", "LV")))
            # the person's right is to the left of an unturned picture
            assert np.cos(turn) * column + np.sin(turn) * row < 0


def test_no_label_above_the_base_and_no_cavity_below_the_apex(stacks):
    table = joined(stacks)
    half = table.samples["thickness_mm"] / 2 / 60
    above, below = (table.samples["level"] < -half).to_numpy(), (table.samples["level"] > 1 + half).to_numpy()
    assert above.any() and not table.labels[above].any()
    assert below.any() and not (table.labels[below] == LABELS["LV"]).any()


def test_papillary_muscles_are_muscle_inside_the_cavity_label(stacks):
    for stack in stacks:
        middle = stack.samples["level"].between(0.4, 0.6).to_numpy()
        cavity = ndimage.binary_erosion(stack.labels[middle] == LABELS["LV"], np.ones((1, 3, 3)))
        assert (stack.first[middle][cavity] == tissues.MYOCARDIUM).any()


def test_a_pixel_is_at_least_half_its_first_tissue_and_blood_fills_the_cavities(stacks):
    table = joined(stacks)
    assert table.share.min() >= 127
    for name, blood in (("LV", tissues.LEFT_BLOOD), ("RV", tissues.RIGHT_BLOOD)):
        assert (table.first[table.labels == LABELS[name]] == blood).mean() > 0.8
    assert (table.first[table.labels == LABELS["MYO"]] == tissues.MYOCARDIUM).mean() > 0.9
    assert SUB_SLICES >= 4


def test_anatomy_is_a_function_of_number_and_seed(stacks):
    again = draw_stacks(draw_heart(2, seed=0), GRID, frames=2)
    assert (again.labels == stacks[2].labels).all() and (again.first == stacks[2].first).all()
    other = draw_stacks(draw_heart(2, seed=1), GRID, frames=2)
    assert other.labels.shape != again.labels.shape or (other.labels != again.labels).any()


def test_an_unknown_group_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="'XYZ'; there are NOR, MINF, DCM, HCM, RV"):
        draw_person("XYZ", np.random.default_rng(0))
