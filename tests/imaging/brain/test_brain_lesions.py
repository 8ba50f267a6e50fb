"""Lesion generators: volumes, places, mass effect, seeds, and what is held out."""

import pytest
import torch

from disentangle.imaging.brain import lesions, shapes, warp
from disentangle.imaging.brain.lesions import COMPARTMENTS, KINDS, check_kinds, draw_lesion, memberships
from disentangle.imaging.brain.sites import HELD_OUT_LESION, HELD_OUT_SITES, TRAINING_SITES, check_sites
from disentangle.imaging.brain.subject import draw_head

BOUNDS_ML = {
    "glioma": (4, 260),
    "ms": (0.3, 32),
    "wmh": (0.15, 90),
    "chronic_stroke": (0.02, 310),
    "acute_stroke": (0.4, 260),
}


@pytest.fixture(scope="module")
def head():
    return draw_head(0, 0)


@pytest.fixture(scope="module")
def drawn(head):
    return {kind: draw_lesion(head, kind) for kind in BOUNDS_ML}


@pytest.mark.parametrize("kind", BOUNDS_ML)
def test_every_kind_has_its_compartments_and_a_volume_in_its_range(drawn, kind):
    lesion = drawn[kind]
    assert len(lesion.levels) == len(COMPARTMENTS[kind])
    low, high = BOUNDS_ML[kind]
    assert low <= lesion.volume_ml <= high and lesion.count >= 1
    assert memberships(lesion.levels).sum(dim=0).max() <= 1 + 1e-5


def test_mass_effect_moves_tissue_away_without_folds_and_leaves_the_edge_of_the_brain(head, drawn):
    push = drawn["glioma"].push
    assert 2 < push.norm(dim=0).max() <= 12.5
    assert warp.jacobian(push).min() > 0
    edge = head.tissues(warp.grid_points())[2][1]
    assert push.norm(dim=0)[edge <= 0].max() < 0.5


def test_a_glioma_pushes_and_an_old_infarct_draws_the_tissue_in(drawn):
    nodes = warp.grid_points()
    for kind, sign in (("glioma", -1), ("acute_stroke", -1)):
        push = drawn[kind].push.movedim(0, -1)
        core = memberships(drawn[kind].levels).sum(dim=0)
        points = warp.grid_points(shapes.ORIGIN_MM, shapes.STEP_MM, shapes.SHAPE)
        centre = (points * core[..., None]).sum(dim=(0, 1, 2)) / core.sum()
        outward = torch.nn.functional.normalize(nodes - centre, dim=-1)
        # the displacement takes a picture's point back to where the tissue was: inward for a swelling
        assert float((push * outward).sum()) * sign > 0


def test_plaques_and_hyperintensities_lie_in_white_matter_and_spare_csf(head, drawn):
    here = shapes.scene(head)
    for kind in ("ms", "wmh"):
        where = memberships(drawn[kind].levels).sum(dim=0) > 0.5
        assert here.wm[where].mean() > 0.5
        held = sum(
            m * lesions.replaced(name, here)
            for m, name in zip(memberships(drawn[kind].levels), COMPARTMENTS[kind], strict=True)
        )
        assert held[here.csf > 0.9].max() < 0.1


def test_hyperintensities_hug_the_ventricles(head, drawn):
    here = shapes.scene(head)
    where = memberships(drawn["wmh"].levels).sum(dim=0) > 0.5
    assert here.ventricle_mm[where].quantile(0.5) < 13


def test_a_stroke_stays_on_its_side(head, drawn):
    here = shapes.scene(head)
    side = here.template_mm[..., 0][memberships(drawn["acute_stroke"].levels).sum(dim=0) > 0.5]
    assert (side > -4).all() or (side < 4).all()


def test_the_same_head_has_the_same_lesion(head, drawn):
    again = draw_lesion.__wrapped__(head, "ms")
    assert torch.equal(again.levels, drawn["ms"].levels)
    assert draw_lesion(head, "healthy") is None


def test_a_level_set_holds_the_wanted_volume():
    points = warp.grid_points(shapes.ORIGIN_MM, shapes.STEP_MM, shapes.SHAPE)
    level = shapes.of_volume(-shapes.distance(points, torch.zeros(3)), 40.0, torch.ones(shapes.SHAPE))
    assert float((level > 0).sum()) * shapes.VOXEL_ML == pytest.approx(40.0, rel=0.02)
    sphere_mm = (3 * 40000 / (4 * torch.pi)) ** (1 / 3)
    assert float(level.max()) == pytest.approx(sphere_mm, abs=1.0)


def test_held_out_sites_and_lesion_are_refused_by_default():
    assert not set(TRAINING_SITES) & set(HELD_OUT_SITES)
    assert HELD_OUT_LESION in KINDS and HELD_OUT_LESION not in lesions.TRAINING_KINDS
    for site in HELD_OUT_SITES:
        with pytest.raises(ValueError, match=f"site '{site}' is held out.*held_out=True"):
            check_sites((site,), held_out=False)
        assert check_sites((site,), held_out=True) == (site,)
    with pytest.raises(ValueError, match="held out"):
        check_kinds((HELD_OUT_LESION,), held_out=False)
    with pytest.raises(ValueError, match="no lesion kind 'abscess'"):
        check_kinds(("abscess",), held_out=True)
    with pytest.raises(ValueError, match="no site 'Z'"):
        check_sites(("Z",), held_out=False)
