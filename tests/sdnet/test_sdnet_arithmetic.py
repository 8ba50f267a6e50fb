"""Channel arithmetic and walks through z, by hand and on an untrained network; every figure is drawn once."""

from dataclasses import replace

import matplotlib

matplotlib.use("agg")

import numpy as np
import pandas as pd
import pytest
from drawn_hearts import drawn_hearts
from matplotlib.figure import Figure

from disentangle.imaging.cardiac.labels import LV, MYO, RV
from disentangle.sdnet import figures
from disentangle.sdnet.arithmetic import (
    channel_arithmetic,
    channel_overlap,
    channels_of,
    merge_channels,
    permute_channels,
    pixel_correlation,
    pixel_difference,
    swap_channels,
    traverse,
)
from disentangle.sdnet.fitted import Fitted
from disentangle.sdnet.swaps import Swap
from disentangle.sdnet.train import decode, factors, masks_from_anatomy, new_task, reconstruct
from disentangle.training import History

STRUCTURES = {"rv": RV, "myo": MYO, "lv": LV}


@pytest.fixture(scope="module")
def hearts():
    return drawn_hearts(2, between=False)


@pytest.fixture(scope="module")
def untrained(small) -> Fitted:
    config = replace(small, classes=3)
    return Fitted(new_task(config, 0).model, config, History(), 0.0, False)


@pytest.fixture(scope="module")
def found(hearts, untrained):
    return factors(untrained, hearts)


def test_merging_moves_all_pixels_and_leaves_s_binary_and_the_argument_alone():
    s = np.eye(4, dtype=np.uint8)[np.random.default_rng(0).integers(0, 4, (2, 6, 6))].transpose(0, 3, 1, 2)
    before = s.copy()
    merged = merge_channels(s, into=3, away=2)
    assert (s == before).all() and merged[:, 2].sum() == 0 and (merged.sum(1) == 1).all()
    assert (merged[:, 3] == (s[:, 2] | s[:, 3])).all()


def test_swapping_twice_is_nothing_and_permuting_moves_every_channel():
    s = np.random.default_rng(0).random((2, 5, 3, 3))
    swapped = swap_channels(s, 1, 4)
    assert (swapped[:, 1] == s[:, 4]).all() and (swapped[:, 0] == s[:, 0]).all()
    assert (swap_channels(swapped, 1, 4) == s).all()
    for seed in range(20):
        permuted = permute_channels(s, seed)
        assert sorted(permuted[0].sum((1, 2))) == pytest.approx(sorted(s[0].sum((1, 2))))
        assert not any((permuted[:, c] == s[:, c]).all() for c in range(5))


def test_impossible_channels_are_refused():
    with pytest.raises(ValueError, match=r"channels are \(1, 5\), expected different ones of 0..4"):
        swap_channels(np.zeros((1, 5, 2, 2)), 1, 5)
    with pytest.raises(ValueError, match="expected different ones"):
        merge_channels(np.zeros((1, 5, 2, 2)), 1, 1)


def test_channels_are_found_by_what_they_cover(hearts):
    s = np.eye(5, dtype=np.uint8)[[4, 2, 0, 3]][hearts.labels].transpose(0, 3, 1, 2)  # RV on 2, MYO on 0, LV on 3
    assert channels_of(s, hearts.labels, STRUCTURES) == {"rv": 2, "myo": 0, "lv": 3}
    overlap = channel_overlap(s, hearts.labels, STRUCTURES)
    assert overlap[0].tolist() == pytest.approx([0, 0, 1, 0, 0])
    both = merge_channels(s, into=3, away=0)  # MYO and LV on one channel: still one channel each
    assert len(set(channels_of(both, hearts.labels, STRUCTURES).values())) == 3


def test_correlation_is_that_of_numpy_and_zero_for_a_constant_pixel():
    values = np.linspace(-3, 3, 7)
    images = np.random.default_rng(0).random((2, 7, 3, 3))
    images[0, :, 0, 0] = 0.4
    images[1, :, 2, 2] = 0.5 - 0.1 * values
    correlation = pixel_correlation(images, values)
    assert correlation[0, 0, 0] == 0 and correlation[1, 2, 2] == pytest.approx(-1)
    assert correlation[0, 1, 2] == pytest.approx(np.corrcoef(images[0, :, 1, 2], values)[0, 1])
    assert pixel_difference(images)[1, 2, 2] == pytest.approx(-0.6)


def test_a_walk_changes_one_dimension_in_seven_equal_steps_from_minus_three_to_three(untrained, found):
    walk = traverse(untrained, found.anatomy[0], found.modality[0])
    assert walk.values.tolist() == [-3, -2, -1, 0, 1, 2, 3]
    assert walk.images.shape == (3, 7, 48, 48) and walk.correlation.shape == (3, 48, 48)
    z = found.modality[0].copy()
    z[1] = 2
    assert np.allclose(walk.images[1, 5], decode(untrained, found.anatomy[:1], z[None])[0, 0], atol=1e-6)
    assert np.abs(walk.difference).max() <= 1 and np.isfinite(walk.correlation).all()
    with pytest.raises(ValueError, match="expected those of one image"):
        traverse(untrained, found.anatomy, found.modality)


def test_a_decoder_deaf_to_z_gives_zero_everywhere(small, found):
    config = replace(small, classes=3)
    model = new_task(config, 0).model
    for block in model.decoder.blocks:
        block.modulation[0].weight.data.zero_()
    walk = traverse(Fitted(model, config, History(), 0.0, False), found.anatomy[0], found.modality[0])
    assert (walk.correlation == 0).all() and np.abs(walk.difference).max() < 1e-6


def test_channel_arithmetic_draws_from_changed_channels_with_the_same_z(untrained, found):
    results = channel_arithmetic(untrained, found.anatomy, found.modality, lv=3, myo=1, seed=0)
    assert list(results) == ["original", "merged", "swapped", "permuted"]
    s, drawn = results["swapped"]
    assert np.allclose(drawn, decode(untrained, swap_channels(found.anatomy, 1, 3), found.modality))
    assert all(part.shape == (len(s), 1, 48, 48) for _, part in results.values())


def test_every_figure_of_an_untrained_network_is_drawn(hearts, untrained, found):
    drawn, labels = reconstruct(untrained, hearts), masks_from_anatomy(untrained, found.anatomy)
    part = slice(0, 3)
    images = hearts.images[part]
    swap = Swap(images, images, drawn[part], drawn[part], *[found.anatomy[part]] * 3)
    pictures = [
        figures.factors_panel(
            images, found.anatomy, drawn, labels, truth=hearts.labels, channel_names={0: "LV", 2: "none"}
        ),
        figures.traversal_panel(traverse(untrained, found.anatomy[0], found.modality[0])),
        figures.traversal_panel(traverse(untrained, found.anatomy[0], found.modality[0]), dimensions=[1]),
        figures.arithmetic_panel(channel_arithmetic(untrained, found.anatomy, found.modality, 3, 1, seed=0), at=1),
        figures.outlines(hearts.images[:5], hearts.labels[:5], titles=list("abcde"), columns=3),
        figures.swap_panel(swap, [0, 2], row_labels=["1.5 T to CT", "CT to 3 T"]),
    ]
    for picture in pictures:
        assert isinstance(picture, Figure)
        picture.canvas.draw()
    grid = pictures[4]
    assert [len(axis.collections) for axis in grid.axes] == [3, 3, 3, 3, 3, 0]  # an outline a structure
    assert len(pictures[0].axes) == 3 * (4 + 4)  # image, four channels, drawn, labels, truth
    assert len(pictures[1].axes) == 3 * 9 + 1  # seven steps, correlation, difference; and the colour bar


def test_learning_curves_have_a_line_for_each_method_that_has_the_term():
    table = pd.DataFrame({"step": [1, 2, 3], "loss": [3.0, 2.0, 1.0], "kl": [np.nan, 1.0, 2.0]})
    picture = figures.learning_curves({"sdnet": table, "unet": table[["step", "loss"]]}, ["loss", "kl"], smooth=2)
    assert [len(axis.lines) for axis in picture.axes] == [2, 1]
    assert picture.axes[0].lines[0].get_ydata().tolist() == [3.0, 2.5, 1.5]
    with pytest.raises(ValueError, match=r"no history has \['dice'\]"):
        figures.learning_curves({"sdnet": table}, ["dice"])


def test_every_draw_of_every_method_is_a_point_and_all_people_come_last():
    table = pd.DataFrame(
        {
            "method": ["unet", "sdnet"] * 3,
            "labelled": ["all", "all", 10, 10, 1, 1],
            "value": [0.88, 0.89, 0.8, 0.81, 0.5, 0.6],
            "low": [0.86, 0.87, np.nan, np.nan, 0.3, 0.4],
            "high": [0.9, 0.9, np.nan, np.nan, 0.7, 0.8],
            "runs": [[0.88], [0.89], [0.8], [0.81], [0.4, 0.6], [0.5, 0.7, 0.6]],
        }
    )
    axis = figures.few_labels_plot(table, references={"between observers": 0.95}).axes[0]
    assert [text.get_text() for text in axis.get_xticklabels()] == ["1", "10", "all"]
    dots = np.concatenate([line.get_ydata() for line in axis.lines if line.get_markersize() == 3])
    assert sorted(dots) == pytest.approx(sorted(table["runs"].sum()))
    means = [line.get_ydata().tolist() for line in axis.lines if line.get_markersize() == 5]
    assert means == [[0.5, 0.8, 0.88], [0.6, 0.81, 0.89]]
    with pytest.raises(ValueError, match=r"the table lacks \['runs'\]"):
        figures.few_labels_plot(table.drop(columns="runs"))
