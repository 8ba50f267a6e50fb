"""Swaps of technical coordinates, and the planted world."""

import numpy as np
import pytest

from disentangle.rotation import swaps
from disentangle.rotation.archive import phantom_parts
from disentangle.rotation.config import PRESETS
from disentangle.rotation.latent_rotation import LatentRotation
from disentangle.rotation.latents import latent_space
from disentangle.rotation.methods import fitted_rotation
from disentangle.rotation.planted import largest_angle, planted


@pytest.fixture(scope="module")
def lungs():
    parts = phantom_parts(16, 6)
    space = latent_space(parts, PRESETS["smoke"].with_training(steps=6, validate_every=6), 0, cache=False)
    model = LatentRotation(dropped=2).fit(*space.pairs.rows)
    return parts, space, model


def test_swapped_latents_have_the_targets_technique_and_their_own_biology(lungs):
    _, space, model = lungs
    source, target = swaps.most_different(model)
    rows = space.test.latents[space.test.column("setting") == source]
    swapped = space.scale.transform(swaps.swapped_latents(space, model, rows, target))
    assert np.allclose(model.technical(swapped), model.technical_means_.loc[target].to_numpy(), atol=1e-3)
    assert np.allclose(model.transform(swapped), model.transform(rows), atol=1e-3)


def test_the_most_different_settings_lie_farthest_apart(lungs):
    means = lungs[2].technical_means_
    source, target = swaps.most_different(lungs[2])
    distance = np.linalg.norm(means.loc[source] - means.loc[target])
    assert distance == pytest.approx(
        max(np.linalg.norm(means.loc[a] - means.loc[b]) for a in means.index for b in means.index)
    )


def test_pictures_are_of_the_named_places_and_settings(lungs):
    parts, space, model = lungs
    places = swaps.one_of_each(parts.test.samples, "tissue", 3, 0)
    pictures = swaps.swap_pictures(space, model, parts.test, "a_soft_1mm", "b_sharp_1mm", list(places))
    samples = parts.test.samples
    for number, (place, tissue) in enumerate(places.items()):
        row = samples.index[(samples["location"] == place) & (samples["setting"] == "b_sharp_1mm")][0]
        assert samples["tissue"][row] == tissue
        assert (pictures["seen,\nb_sharp_1mm"][number] == parts.test.images[row]).all()
    assert all(images.shape == (len(places), 1, 32, 32) for images in pictures.values())


def test_detail_of_source_and_target_is_that_of_their_own_latents(lungs):
    parts, space, model = lungs
    table = swaps.detail_table(space, model, parts.test, "a_soft_1mm", "b_sharp_1mm", hu=1200)
    assert list(table.index) == ["a_soft_1mm", "a_soft_1mm, swapped to b_sharp_1mm", "b_sharp_1mm"]
    assert (table > 0).all(axis=None)


def test_where_nothing_was_dropped_a_swap_does_nothing(lungs):
    _, space, _ = lungs
    model = LatentRotation(dropped=0).fit(*space.pairs.rows)
    some = space.test.latents[:5]
    source, target = swaps.most_different(model)
    assert source != target
    assert np.allclose(space.scale.transform(swaps.swapped_latents(space, model, some, target)), some, atol=1e-3)


def test_people_are_held_out_whole_where_there_are_enough(lungs):
    _, space, _ = lungs
    by_people = fitted_rotation(space.pairs)
    assert by_people.curve_["limit"].iloc[0] > 1 / 30


def test_planted_axes_are_orthonormal_and_the_effect_is_a_distance():
    world = planted(settings=3, effect=2.0, noise=0.0, locations=500)
    assert np.allclose(world.technical.T @ world.technical, np.eye(2))
    means = np.stack([world.latents[world.setting == name].mean(0) for name in np.unique(world.setting)])
    apart = np.linalg.norm(means - means.mean(0), axis=1)
    assert apart == pytest.approx(2.0 * np.sqrt(2 / 3) * np.ones(3))
    assert largest_angle(world.technical.T, world.technical) == pytest.approx(0, abs=1e-5)
    with pytest.raises(ValueError, match="6 biological axes and 4 settings in 5 dimensions"):
        planted(dimensions=5)
