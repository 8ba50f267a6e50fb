"""Whitening against scikit-learn's, and its way back."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from disentangle.rotation.whitening import Whitening


def latents() -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.standard_normal((500, 5)) @ rng.standard_normal((5, 5)) + 3


def test_full_whitening_is_that_of_scikit_learn():
    rows = latents()
    ours, theirs = Whitening.fit(rows).transform(rows), PCA(whiten=True).fit_transform(rows)
    assert np.allclose(np.abs(ours), np.abs(theirs) * np.sqrt(500 / 499), atol=1e-9)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_variances_are_raised_to_one_minus_the_power(power):
    rows = latents()
    variances = np.linalg.eigvalsh(np.cov(rows.T, bias=True))[::-1]
    whitening = Whitening.fit(rows, power)
    assert np.allclose(whitening.transform(rows).var(0), variances ** (1 - power))
    assert np.allclose(whitening.inverse(whitening.transform(rows)), rows)


def test_a_constant_dimension_is_left_out_and_comes_back():
    rows = np.column_stack([latents(), np.full(500, 2.0)]).astype(np.float32)
    whitening = Whitening.fit(rows)
    components = whitening.transform(rows)
    assert components.shape == (500, 5) and components.dtype == np.float32
    assert np.allclose(whitening.inverse(components), rows, atol=1e-4)


@pytest.mark.parametrize(
    ("rows", "power", "message"),
    [
        (np.ones((9, 3)), 1.0, "constant in all 3"),
        (np.full((9, 3), np.nan), 1.0, "NaN"),
        (latents(), 2.0, "power is 2.0"),
    ],
)
def test_no_scale_without_variance(rows, power, message):
    with pytest.raises(ValueError, match=message):
        Whitening.fit(rows, power)
