"""Every method through the protocol, with small networks that learn for a few steps; and codes that are known."""

import json
from dataclasses import replace

import numpy as np
import pytest
from drawn_parts import GREYS

from disentangle.comparison import experiment, latents, methods
from disentangle.comparison.effort import FULL, SMOKE
from disentangle.comparison.people import donors
from disentangle.comparison.protocol import Codes, TwoCodes
from disentangle.comparison.scores import swap_errors


def test_a_method_that_knows_tissues_and_greys_swaps_without_error(held_out):
    styles = np.repeat(np.eye(6), 1, axis=0)

    def encode(images, brain):
        labels = np.repeat(held_out.labels.reshape(-1, 1, 64, 64), 6, axis=0)
        return Codes(labels, styles[held_out.style])

    def decode(biology, nuisance, brain):
        return GREYS[nuisance.argmax(1)[:, None, None], biology[:, 0]]

    model = TwoCodes(encode, decode, 0.0, 0, {})
    errors = swap_errors(model.swaps(held_out, donors(6)), held_out)
    assert errors.swap == pytest.approx(0, abs=1e-6) and errors.own == pytest.approx(0, abs=1e-6)


def test_a_swap_takes_the_style_of_the_donor_and_on_the_diagonal_its_own(held_out):
    model = TwoCodes(
        lambda images, brain: Codes(held_out.head[:, None], held_out.head[:, None] / 10),
        lambda biology, nuisance, brain: np.broadcast_to(nuisance[:, :, None], brain.shape),
        0.0, 0, {},
    )  # fmt: skip
    drawn = model.swaps(held_out, donors(6))
    brain = held_out.brain[2, 0]
    assert drawn[2, 0, 1, 4][brain] == pytest.approx(0.3) and drawn[2, 0, 4, 4][brain] == pytest.approx(0.2)


@pytest.mark.parametrize("name", methods.METHODS)
def test_every_method_answers_the_protocol(name, training, held_out):
    model = methods.fitted(name, training, held_out, 0, SMOKE)
    drawn = model.swaps(held_out, donors(6))
    assert drawn.shape == (6, 3, 6, 6, 64, 64) and np.isfinite(drawn).all()
    outside = ~np.broadcast_to(held_out.brain[:, :, None, None], drawn.shape)
    assert (drawn[outside] == 0).all()
    codes = model.codes(held_out)
    if codes is not None:
        assert len(codes.biology) == len(held_out.flat)
        assert codes.nuisance is None or codes.nuisance.shape[0] == len(held_out.flat)
    assert model.fit_seconds >= 0 and model.parameters >= 0


def test_curves_of_grey_values_are_exact_where_styles_are_curves(training, held_out):
    model = methods.fitted("style_mean", training, held_out, 0, SMOKE)
    assert swap_errors(model.swaps(held_out, donors(6)), held_out).swap == pytest.approx(0, abs=1e-3)


def test_dimensions_that_know_the_style_come_first():
    rng, style = np.random.default_rng(0), np.tile(np.arange(6), 100)
    planted = rng.normal(size=(600, 5))
    planted[:, 3] += 2 * style
    planted[:, 1] += 0.5 * style
    assert latents.ranked_dimensions(planted, style)[:2].tolist() == [3, 1]


def test_a_dirichlet_code_stays_on_the_simplex(training, held_out, monkeypatch):
    seen = []
    true_decode = latents.vae.decode
    monkeypatch.setattr(latents.vae, "decode", lambda fitted, z: (seen.append(z), true_decode(fitted, z))[1])
    methods.fitted("dirvae", training, held_out, 0, SMOKE).swaps(held_out, donors(6))
    assert np.allclose(np.concatenate(seen).sum(1), 1, atol=1e-5)


def test_an_unknown_method_is_named(training, held_out):
    with pytest.raises(ValueError, match="no method 'gan', expected one of sdnet"):
        methods.fitted("gan", training, held_out, 0, SMOKE)


def test_a_cell_is_small_json_with_a_number_a_head(training, held_out):
    model = methods.fitted("gvae", training, held_out, 0, replace(SMOKE, autoencoder=3))
    found = experiment.scores_of(model, training, held_out, 0)
    assert len(json.dumps(found)) < 20_000
    assert len(found["swap_error"]) == len(found["subjects"]) == 6
    assert len(found["codes"]["style_from_nuisance"]["linear"]) == 6
    assert np.shape(found["pairs"]) == (6, 6)


def test_shorter_runs_keep_the_shares_of_the_methods():
    half = FULL.shortened(0.5)
    assert (half.sdnet, half.puir[0]) == (FULL.sdnet // 2, FULL.puir[0] // 2)
    assert FULL.shortened(0).uad == 2
