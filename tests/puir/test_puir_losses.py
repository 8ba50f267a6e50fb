"""Each term is zero on perfect input, agrees with a brute-force twin, and leaves absent modalities out."""

import math

import pytest
import torch

from disentangle.puir.collapse import CollapsedFeatures, CollapseGuard
from disentangle.puir.losses import contrast, equivariance, invariance, reconstruction, rotation_class, spread

ALL = torch.ones(3, 2, dtype=torch.bool)


def features(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_terms_are_zero_on_perfect_input():
    images = features(3, 2, 4, 4, 4).abs()
    inside = images[:, 0] > 0.5
    assert reconstruction(images, images, ALL, inside) == 0
    same = features(3, 1, 5, 2, 2, 2).expand(3, 2, 5, 2, 2, 2)
    assert invariance(same, ALL) < 1e-12 and equivariance(same, same, ALL) == 0
    assert rotation_class(100 * torch.eye(4), torch.arange(4), torch.ones(4, 1, dtype=torch.bool)) < 1e-6
    apart = torch.eye(3)[:, None].expand(3, 2, 3)
    assert contrast(apart, apart, ALL, temperature=0.01) < 1e-6


def test_reconstruction_counts_the_foreground_of_known_targets_tenfold():
    predicted, targets = features(2, 3, 4, 4, 4), features(2, 3, 4, 4, 4, seed=1)
    known = torch.tensor([[True, False, True], [True, True, True]])
    inside = features(2, 4, 4, 4, seed=2) > 0
    pairs = [(v, m) for v in range(2) for m in range(3) if known[v, m]]
    errors = {(v, m): (predicted[v, m] - targets[v, m]) ** 2 for v, m in pairs}
    of_inside = torch.cat([errors[v, m][inside[v]] for v, m in pairs]).mean()
    of_all = torch.stack([errors[pair] for pair in pairs]).mean()
    assert torch.isclose(reconstruction(predicted, targets, known, inside), 10 * of_inside + of_all)


def test_invariance_compares_with_the_mean_of_the_others_without_gradient():
    valid = torch.tensor([[True, True, True], [True, True, False], [True, False, False]])
    found = features(3, 3, 2, 2, 2, 2).requires_grad_()
    with torch.no_grad():
        expected = []
        for person, sources in ((0, (0, 1, 2)), (1, (0, 1))):
            for source in sources:
                others = torch.stack([found[person, s] for s in sources if s != source]).mean(0)
                expected.append(((found[person, source] - others) ** 2).mean())
    loss = invariance(found, valid)
    assert torch.isclose(loss, torch.stack(expected).mean())
    loss.backward()
    assert found.grad[2].abs().max() == 0 and found.grad[1, 2].abs().max() == 0
    # Only through a source's own feature: pulled to the anchor by 2 / (5 compared sources * 16 numbers).
    anchor = found[0, 1:].mean(0).detach()
    assert torch.allclose(found.grad[0, 0], 2 * (found[0, 0] - anchor).detach() / (5 * 16), atol=1e-6)


def test_absent_sources_change_no_term():
    valid = torch.tensor([[True, False], [True, True], [True, True]])
    first, second = features(3, 2, 4, 2, 2, 2), features(3, 2, 4, 2, 2, 2, seed=1)
    other = first.clone()
    other[0, 1] = 1e3
    for term in (invariance, spread):
        assert torch.equal(term(first, valid), term(other, valid))
    assert torch.equal(equivariance(first, second, valid), equivariance(other, second, valid))
    views, changed = first.flatten(2), other.flatten(2)
    assert torch.allclose(contrast(views, second.flatten(2), valid), contrast(changed, second.flatten(2), valid))
    assert torch.allclose(contrast(second.flatten(2), views, valid), contrast(second.flatten(2), changed, valid))


def test_contrast_is_the_cross_entropy_of_cosines_over_people():
    first, second = features(3, 2, 6), features(3, 2, 6, seed=1)
    expected = []
    for source in range(2):
        cosines = torch.nn.functional.cosine_similarity(first[:, None, source], second[None, :, source], dim=-1)
        expected.append(torch.nn.functional.cross_entropy(cosines / 0.1, torch.arange(3)))
    assert torch.isclose(contrast(first, second, ALL, 0.1), torch.stack(expected).mean())
    same = torch.ones(3, 2, 6)
    assert math.isclose(float(contrast(same, same, ALL)), math.log(3), rel_tol=1e-5)


def test_contrast_with_a_single_person_is_refused():
    with pytest.raises(ValueError, match="contrast over 1 person, expected at least 2"):
        contrast(features(1, 2, 6), features(1, 2, 6), ALL[:1])


def test_second_views_get_no_gradient():
    first, second = features(3, 2, 6).requires_grad_(), features(3, 2, 6, seed=1).requires_grad_()
    contrast(first, second, ALL).backward()
    assert second.grad is None and first.grad.abs().max() > 0


def test_spread_is_the_deviation_over_people_and_zero_for_equal_ones():
    found = features(3, 2, 4, 2, 2, 2)
    assert torch.isclose(spread(found, ALL), found.mean(1).std(0, correction=0).mean())
    assert spread(found[:1].expand_as(found), ALL) < 1e-7


def test_the_guard_fires_when_features_become_constant_and_not_when_they_vary():
    guard = CollapseGuard(0.05)
    for step in range(100):
        guard(torch.tensor(0.5 if step else 1.0), step)
    assert math.isclose(guard.part, 0.5, rel_tol=1e-3)
    with pytest.raises(CollapsedFeatures, match="expected at least 0.05") as caught:
        for step in range(100, 200):
            guard(torch.tensor(0.0), step)
    assert caught.value.step <= 160 and caught.value.part < 0.05
    tolerant = CollapseGuard(0.0)
    for step in range(100):
        tolerant(torch.tensor(0.0 if step else 1.0), step)
