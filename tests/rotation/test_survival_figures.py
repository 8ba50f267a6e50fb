"""Pictures of survival show what the numbers say."""

import numpy as np
import pandas as pd
import pytest
from hazard_tables import hazard_table
from lifelines import KaplanMeierFitter

from disentangle.rotation.survival_checks import at_risk
from disentangle.rotation.survival_figures import calibration_figure, kaplan_meier_figure


@pytest.fixture(scope="module")
def drawn():
    table = hazard_table(160, {"x": 1.0}, seed=1)
    groups = pd.Categorical(np.where(table["x"] > 0, "higher risk", "lower risk"), ["lower risk", "higher risk"])
    return table, groups, kaplan_meier_figure(table["time"], table["event"], groups)


def test_curves_are_those_of_kaplan_and_meier(drawn):
    table, groups, figure = drawn
    upper = figure.axes[0]
    curve = next(line for line in upper.lines if line.get_label().startswith("higher risk"))
    inside = groups == "higher risk"
    expected = KaplanMeierFitter().fit(table["time"][inside], table["event"][inside]).survival_function_
    assert curve.get_ydata() == pytest.approx(expected.iloc[:, 0].to_numpy())
    assert f"n = {inside.sum()}" in curve.get_label()
    assert upper.get_legend().get_title().get_text() == "log-rank p < 0.001"


def test_numbers_below_are_the_people_still_followed_at_round_times(drawn):
    table, groups, figure = drawn
    lower = figure.axes[1]
    moments = lower.get_xticks()
    assert (moments == np.round(moments)).all() and moments[0] == 0 and moments[-1] <= table["time"].max()
    expected = at_risk(table["time"], groups, moments).to_numpy().ravel().astype(str)
    assert [text.get_text() for text in lower.texts] == list(expected)
    assert [label.get_text() for label in lower.get_yticklabels()] == ["lower risk", "higher risk"]


def test_one_mark_a_group_in_the_calibration():
    groups = pd.DataFrame({"predicted": [0.2, 0.6], "observed": [0.3, 0.5], "low": [0.1, 0.4], "high": [0.5, 0.7]})
    figure = calibration_figure({"clinical": groups}, horizon_label="survival at 3 years")
    line = next(line for line in figure.axes[0].lines if line.get_label() == "clinical")
    assert line.get_xydata() == pytest.approx(groups[["predicted", "observed"]].to_numpy())
    assert figure.axes[0].get_xlabel() == "predicted survival at 3 years"
