"""Figures show what they were given, stay small, and refuse tables that lack a column."""

import io

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter

from disentangle import figures


@pytest.fixture(autouse=True)
def style():
    with matplotlib.rc_context():
        figures.use_style()
        yield


def png(figure) -> bytes:
    """The figure as a notebook stores it."""
    file = io.BytesIO()
    figure.savefig(file, format="png", bbox_inches="tight")
    return file.getvalue()


def results(methods=("diameter", "GVAE", "DirVAE")):
    value = np.linspace(0.8, 0.9, len(methods))
    return pd.DataFrame({"method": methods, "value": value, "low": value - 0.02, "high": value + 0.02})


def lesions(n):
    rows, columns = np.mgrid[:64, :64] - 31.5
    masks = np.hypot(rows, columns)[None] < np.linspace(4, 20, n)[:, None, None]
    rng = np.random.default_rng(0)
    return np.clip(masks * 0.6 + 0.2 + 0.05 * rng.normal(size=masks.shape), 0, 1)[:, None], masks


def test_a_grid_shows_every_image_in_grey_with_its_outline():
    images, masks = lesions(10)
    masks[3] = False
    figure = figures.image_grid(images, [f"{i}" for i in range(10)], masks=masks, columns=6)
    shown = [axis for axis in figure.axes if axis.get_visible()]
    assert len(shown) == 10 and [axis.get_title() for axis in shown] == [str(i) for i in range(10)]
    for at, axis in enumerate(shown):
        np.testing.assert_array_equal(axis.images[0].get_array(), images[at, 0])
        assert axis.images[0].get_clim() == (0, 1) and axis.images[0].get_cmap().name == "gray"
        assert bool(axis.collections) == (at != 3)


def test_intervals_lie_where_the_table_says_with_every_draw_and_reference():
    table = results()
    figure = figures.interval_plot(table, label="AUC", references={"chance": 0.5}, draws={"GVAE": [0.81, 0.84, 0.9]})
    axis = figure.axes[0]
    assert [tick.get_text() for tick in axis.get_yticklabels()] == list(table["method"])
    drawn = {tuple(np.round(line.get_xdata(), 6)) for line in axis.lines}
    for row in table.itertuples():
        assert (round(row.low, 6), round(row.high, 6)) in drawn and (round(row.value, 6),) in drawn
    assert (0.81, 0.84, 0.9) in drawn and (0.5, 0.5) in drawn
    assert axis.get_xlabel() == "AUC" and "chance" in {text.get_text() for text in axis.texts}


def test_curves_are_sorted_along_x_and_banded():
    table = pd.concat(results(("a", "b")).assign(beta=beta) for beta in (4.0, 1.0, 0.1))
    figure = figures.curve_with_bands(
        table, x="beta", x_label="beta", y_label="MIG", log_x=True, references={"rotated": 0.82}
    )
    axis = figure.axes[0]
    assert axis.lines[0].get_xdata().tolist() == [0.1, 1, 4] and axis.get_xscale() == "log"
    assert len(axis.collections) == 2 and axis.get_legend_handles_labels()[1] == ["a", "b"]


def test_roc_legend_states_each_auc():
    labels = np.array([0, 0, 1, 1])
    figure = figures.roc_curves({"good": np.arange(4), "bad": -np.arange(4)}, labels)
    texts = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert texts == ["good: 1.000", "bad: 0.000"]


def test_traversals_have_a_row_a_direction_and_a_column_a_step():
    images, _ = lesions(15)
    figure = figures.traversal_grid(
        images.reshape(3, 5, 1, 64, 64), np.linspace(-3, 3, 5), row_labels=["a", "b", "c"], threshold=0.5
    )
    assert len(figure.axes) == 15 and figure.axes[0].get_title() == "-3.0 sd"
    assert [figure.axes[i].get_ylabel() for i in (0, 5, 10)] == ["a", "b", "c"]


def test_training_curves_dash_validation_in_the_colour_of_its_loss():
    history = [{"step": s, "loss": 1 / (s + 1), "val_loss": np.nan if s % 2 else 1.1 / (s + 1)} for s in range(6)]
    solid, dashed = figures.training_curve(history).axes[0].lines
    assert (solid.get_linestyle(), dashed.get_linestyle()) == ("-", "--")
    assert solid.get_color() == dashed.get_color() and len(dashed.get_xdata()) == 3


def test_heat_maps_write_their_numbers():
    table = pd.DataFrame([[0.5, -0.25]], index=["z1"], columns=["size", "margin"])
    texts = {text.get_text() for text in figures.heat_map(table, label="Spearman", limit=1).axes[0].texts}
    assert texts == {"0.50", "-0.25"}


def test_every_figure_is_small_white_and_closed():
    images, masks = lesions(56)
    history = [{"step": s, "loss": np.exp(-s / 50), "val_loss": np.exp(-s / 60)} for s in range(500)]
    many = pd.concat(results().assign(beta=b) for b in (0.1, 1, 4))
    made = [
        figures.image_grid(images[:18], masks=masks[:18]),
        figures.traversal_grid(gaussian_filter(images, (0, 0, 2, 2)).reshape(8, 7, 64, 64), np.arange(7)),
        figures.interval_plot(results(), label="AUC"),
        figures.curve_with_bands(many, x="beta", x_label="beta", y_label="MIG"),
        figures.roc_curves({"x": np.random.default_rng(0).random(1000)}, np.arange(1000) % 2),
        figures.training_curve(history, log_y=True),
        figures.heat_map(pd.DataFrame(np.eye(8)), label="importance"),
    ]
    assert not plt.get_fignums()
    for figure in made:
        assert len(png(figure)) < 100_000 and figure.get_facecolor() == (1, 1, 1, 1)


def test_colours_follow_the_order_of_first_mention():
    assert figures.colours(["b", "a", "b"]) == dict(zip("ba", figures.colours("ba").values(), strict=True))
    assert len(set(figures.colours([str(i) for i in range(10)]).values())) == 10


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match=r"lacks \['high'\], found \['method', 'value', 'low'\]"):
        figures.interval_plot(results().drop(columns="high"), label="AUC")
