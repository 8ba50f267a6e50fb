"""The window lies around the heart, cuts nothing away, and leads back to the native grid."""

import numpy as np
import pandas as pd
import pytest

from disentangle.imaging.cardiac.window import Window, place, to_native


def _sample(window: Window) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "native_rows": window.rows,
                "native_columns": window.columns,
                "top": window.top,
                "left": window.left,
                "step_row": window.step_row,
                "step_column": window.step_column,
            }
        ]
    )


def test_the_window_follows_what_moves_without_any_outline(heart):
    (first, drawn), (second, _) = (heart(radius, (60, 140), (200, 240)) for radius in (20, 12))
    window = place([first, second], None, (1.0, 1.0), 96)
    assert window.found == "motion"
    assert (window.cut_labels(drawn) > 0).sum() == (drawn > 0).sum() > 0


def test_a_still_picture_gives_the_middle():
    still = np.ones((3, 100, 120))
    window = place([still, still], None, (1.0, 1.0), 64)
    assert (window.top, window.left, window.found) == (18, 28, "middle")


def test_a_window_that_would_cut_is_moved_just_enough():
    still, drawn = np.ones((3, 200, 200)), np.zeros((200, 200), bool)
    drawn[10:70, 90:100] = True
    window = place([still, still], drawn, (1.0, 1.0), 100)
    assert (window.top, window.left, window.found) == (10, 50, "moved")
    assert place([still, still], drawn, (1.0, 1.0), 100, margin=5).top == 5


def test_what_is_larger_than_the_window_makes_the_pixel_coarser():
    still, drawn = np.ones((3, 300, 300)), np.zeros((300, 300), bool)
    drawn[5:205, 20:60] = True
    window = place([still, still], drawn, (1.0, 1.0), 100)
    assert window.found == "coarser" and 2 <= window.step_row == window.step_column < 2.1
    assert window.cut_labels(drawn[None].astype(np.uint8)).sum() * window.step_row**2 == pytest.approx(8000, rel=0.05)


def test_native_pixels_come_back_without_loss():
    labels = np.random.default_rng(0).integers(0, 4, (1, 90, 70)).astype(np.uint8)
    window = Window(10, 3, 1.0, 1.0, 64, 90, 70)
    cut = window.cut_labels(labels)
    assert (cut[0] == labels[0, 10:74, 3:67]).all()
    (native,) = to_native(cut, _sample(window))
    inside = np.zeros((90, 70), bool)
    inside[10:74, 3:67] = True
    assert (native[inside] == labels[0][inside]).all() and not native[~inside].any()


def test_a_window_beyond_the_picture_repeats_the_edge_and_labels_nothing():
    window = Window(-10, -20, 1.0, 1.0, 64, 44, 24)
    assert (window.cut(np.full((1, 44, 24), 7.0)) == 7).all()
    cut = window.cut_labels(np.ones((1, 44, 24), np.uint8))
    assert cut.sum() == 44 * 24 and cut[0, 10:54, 20:44].all()
    assert to_native(cut, _sample(window))[0].all()


@pytest.mark.parametrize("steps", [(0.7, 0.7), (0.9, 1.3), (2.0, 2.0)])
def test_a_disc_keeps_place_and_area_there_and_back(steps: tuple[float, float]):
    rows, columns = np.indices((160, 160))
    disc = (np.hypot(rows - 85, columns - 70) < 20).astype(np.uint8)
    window = Window(30, 20, *steps, 128, 160, 160)
    cut = window.cut_labels(disc[None])
    assert cut.sum() * steps[0] * steps[1] == pytest.approx(disc.sum(), rel=0.03)
    (native,) = to_native(cut, _sample(window))
    dice = 2 * (native & disc).sum() / (native.sum() + disc.sum())
    assert dice > 0.96
    assert np.allclose(np.argwhere(native).mean(axis=0), (85, 70), atol=0.3)


def test_probabilities_are_interpolated_before_the_class_is_chosen():
    rows, columns = np.indices((160, 160))
    distance = np.hypot(rows - 80, columns - 80) - 25
    window = Window(16, 16, 2.0, 2.0, 64, 160, 160)
    inside = 1 / (1 + np.exp(window.cut(distance[None])[0] / 2))
    soft = to_native(np.stack([1 - inside, inside])[None], _sample(window))[0]
    hard = to_native((inside > 0.5)[None].astype(np.uint8), _sample(window))[0]
    truth = distance < 0
    assert (soft != truth).sum() < (hard != truth).sum()
    assert soft[0, 0] == 0


def test_wrong_predictions_are_refused():
    sample = _sample(Window(0, 0, 1.0, 1.0, 64, 80, 80))
    for wrong, words in (
        (np.zeros((2, 64, 64), int), "2 predictions but 1"),
        (np.zeros((1, 64, 32), int), "side, side"),
        (np.zeros((1, 64, 64)), "integer labels"),
    ):
        with pytest.raises(ValueError, match=words):
            to_native(wrong, sample)
