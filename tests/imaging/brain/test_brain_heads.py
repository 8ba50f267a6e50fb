"""Heads: no folds, volumes near the published ones, ventricles as wide as drawn, seeds."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from disentangle.imaging.brain import shapes, warp
from disentangle.imaging.brain.credibility import ATLAS_SHARES
from disentangle.imaging.brain.subject import draw_head
from disentangle.imaging.brain.template import template


@pytest.fixture(scope="module")
def heads():
    return [draw_head(number, 0) for number in (1, 3)]


def test_no_head_has_a_fold(heads):
    for head in heads:
        determinant = warp.jacobian(head.displacement)
        assert 0.2 <= determinant.min() and determinant.max() <= 5
        fine = warp.grid_points((-60, -90, -40), 1.5, (81, 101, 71))
        assert warp.jacobian(head.to_template(fine).movedim(-1, 0) - fine.movedim(-1, 0), 1.5).min() > 0


def test_displacements_are_as_large_as_the_digest_says(heads):
    for head in heads:
        assert 3 < head.displacement.pow(2).sum(dim=0).mean().sqrt() < 8


def test_tissue_shares_are_near_those_of_published_heads(heads):
    for head in heads:
        csf, gm, deep, wm = (float(part.sum()) for part in head.tissues(shapes.scene(head).points)[0])
        whole = csf + gm + deep + wm
        assert 1300 < whole * shapes.VOXEL_ML < 2400
        assert (gm + deep) / whole == pytest.approx(ATLAS_SHARES["gm"], abs=0.07)
        assert wm / whole == pytest.approx(ATLAS_SHARES["wm"], abs=0.04)
        assert csf / whole == pytest.approx(ATLAS_SHARES["csf"], abs=0.08)


def test_ventricles_are_as_wide_as_drawn(heads):
    base = template()
    nodes = warp.grid_points((-50, -80, -30), 1.5, (67, 87, 60))
    usual = float((base.guides_at(nodes)[0] < 0).sum())
    for head in heads:
        own = float((base.guides_at(head.to_template(nodes))[0] < 0).sum())
        size = 1 / float(torch.linalg.det(head.matrix))
        assert own / usual == pytest.approx(head.ventricle_factor * size, rel=0.35)
    volumes_ml = usual * 1.5**3 / 1000
    assert 10 < volumes_ml < 35  # lateral ventricles of healthy adults


def test_shares_are_one_inside_and_nothing_outside(heads):
    points = torch.tensor([[25.0, -20.0, 25.0], [0.0, 0.0, 150.0]])
    shares = heads[0].tissues(points)[0]
    assert shares.sum(dim=0).tolist() == pytest.approx([1, 0], abs=0.02) and (shares >= 0).all()


def test_a_head_belongs_to_its_number_and_seed(heads):
    again = draw_head.__wrapped__(1, 0)
    assert torch.equal(again.displacement, heads[0].displacement) and again.age == heads[0].age
    assert not torch.equal(heads[0].displacement, heads[1].displacement)
    rng = np.random.default_rng
    assert not torch.equal(warp.noise(rng([0, 1]), 1, 16.0), warp.noise(rng([1, 1]), 1, 16.0))


def test_the_flow_of_a_velocity_and_of_its_opposite_undo_each_other():
    velocity = 3 * warp.noise(np.random.default_rng(5), 3, 16.0)
    there, back = warp.integrate(velocity), warp.integrate(-velocity)
    nodes = warp.grid_points()[12:-12, 12:-12, 12:-12]
    moved = nodes + warp.sample(there, nodes).movedim(0, -1)
    assert (moved + warp.sample(back, moved).movedim(0, -1) - nodes).norm(dim=-1).max() < 0.25


def test_trilinear_sampling_is_exact_on_linear_fields():
    nodes = warp.grid_points()
    points = torch.tensor([[1.3, -20.2, 30.9], [-50.0, 40.5, 0.1]])
    assert torch.allclose(warp.sample(nodes.movedim(-1, 0), points).T, points, atol=1e-3)


def test_smoothing_is_that_of_scipy():
    white = torch.from_numpy(np.random.default_rng(0).standard_normal((1, *warp.SHAPE), dtype=np.float32))
    known = gaussian_filter(white[0].numpy(), 2.0, mode="nearest", radius=6)
    assert np.abs(warp.smooth(white, 2.0)[0].numpy() - known).max() < 1e-5
