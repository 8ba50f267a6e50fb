"""Shape features agree with closed forms and scikit-image, and alone tell malignancy at the known AUC."""

import numpy as np
import pandas as pd
import pytest
from skimage.measure import perimeter_crofton, regionprops
from skimage.morphology import convex_hull_image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from disentangle.imaging.cohort import Cohort, Provenance
from disentangle.imaging.lidc.selection import SelectedLesion, readers3
from disentangle.imaging.lidc.shape import (
    SHAPE_FEATURES,
    lesion_shape_features,
    selected_shape_features,
    shape_features,
    slice_shape_features,
)
from disentangle.imaging.lidc.table import read_lesions


def _ellipse(long: float, short: float, angle: float = 0.0, side: int = 129) -> np.ndarray:
    """Pixels of a centred ellipse with these half axes."""
    row, column = np.mgrid[:side, :side] - side // 2
    along = column * np.cos(angle) + row * np.sin(angle)
    across = row * np.cos(angle) - column * np.sin(angle)
    return (along / long) ** 2 + (across / short) ** 2 <= 1


def _ball(radius: float, slice_spacing: float) -> np.ndarray:
    """Slices of a ball, pixels of side 1."""
    heights = (np.arange(round(2 * radius / slice_spacing)) + 0.5) * slice_spacing - radius
    return np.stack([_ellipse(*[np.sqrt(radius**2 - height**2)] * 2) for height in heights])


# One slice


def test_disc_has_the_numbers_of_a_disc():
    disc = slice_shape_features(_ellipse(40, 40)[None], spacing_mm=0.5).iloc[0]
    assert disc["area_mm2"] == pytest.approx(np.pi * 20**2, rel=0.01)
    assert disc["diameter_mm"] == pytest.approx(40, rel=0.01)
    assert disc["major_axis_mm"] == pytest.approx(40, rel=0.01)
    assert disc["perimeter_mm"] == pytest.approx(2 * np.pi * 20, rel=0.02)
    assert disc["circularity"] == pytest.approx(1, abs=0.04)
    assert disc["solidity"] == pytest.approx(1, abs=1e-9)
    assert disc["eccentricity"] < 0.02


@pytest.mark.parametrize("angle", [0.0, 0.6, np.pi / 2])
def test_ellipse_has_the_axes_it_was_drawn_with_at_any_angle(angle: float):
    ellipse = slice_shape_features(_ellipse(50, 20, angle)[None], spacing_mm=0.7).iloc[0]
    assert ellipse["major_axis_mm"] == pytest.approx(2 * 50 * 0.7, rel=0.01)
    assert ellipse["minor_axis_mm"] == pytest.approx(2 * 20 * 0.7, rel=0.01)
    assert ellipse["eccentricity"] == pytest.approx(np.sqrt(1 - (20 / 50) ** 2), abs=0.005)
    assert ellipse["area_mm2"] == pytest.approx(np.pi * 50 * 20 * 0.49, rel=0.01)


def test_cross_fills_the_known_share_of_its_hull():
    cross = np.zeros((1, 9, 9), dtype=bool)
    cross[0, 4, 1:8] = cross[0, 1:8, 4] = True
    # The hull of a cross with arms of 3 pixels is a diamond of 1 + 2 * 3 * 4 = 25 pixels.
    assert slice_shape_features(cross, 1.0)["solidity"].item() == pytest.approx(13 / 25)


@pytest.mark.parametrize(
    "line",
    [np.eye(9, dtype=bool), np.eye(9, dtype=bool)[::-1], np.eye(9, dtype=bool) * 0 + (np.arange(9) == 3)],
)
def test_line_is_convex(line: np.ndarray):
    assert slice_shape_features(line[None].astype(bool), 1.0)["solidity"].item() == 1


def test_random_blobs_agree_with_scikit_image():
    rng = np.random.default_rng(0)
    blobs = np.stack([_ellipse(*rng.uniform(3, 12, 2), rng.uniform(0, np.pi), side=31) for _ in range(30)])
    blobs &= rng.uniform(size=blobs.shape) > 0.1
    found = slice_shape_features(blobs, 1.0)
    for row, blob in zip(found.itertuples(), blobs, strict=True):
        known = regionprops(blob.astype(np.uint8))[0]
        assert row.area_mm2 == known.area
        assert row.diameter_mm == pytest.approx(known.equivalent_diameter_area)
        # scikit-image takes pixels as points; a unit square has the second moment 1/12 itself.
        assert row.major_axis_mm**2 == pytest.approx(known.axis_major_length**2 + 16 / 12)
        assert row.minor_axis_mm**2 == pytest.approx(known.axis_minor_length**2 + 16 / 12)
        assert row.perimeter_mm == pytest.approx(perimeter_crofton(blob, directions=4))
        hull = convex_hull_image(blob, offset_coordinates=False).sum()
        assert row.solidity == pytest.approx(known.area / hull)


def test_empty_mask_has_no_shape():
    empty = slice_shape_features(np.zeros((1, 8, 8), dtype=bool), 1.0).iloc[0]
    assert empty["area_mm2"] == empty["diameter_mm"] == 0
    assert empty.drop(["area_mm2", "diameter_mm"]).isna().all()


def test_oblong_pixels_and_single_images_are_refused():
    with pytest.raises(ValueError, match="square pixels, found 0.5 x 0.7 mm"):
        slice_shape_features(np.ones((2, 4, 4), dtype=bool), np.array([[0.5, 0.5], [0.5, 0.7]]))
    with pytest.raises(ValueError, match=r"\(slice, row, column\), found shape \(4, 4\)"):
        slice_shape_features(np.ones((4, 4), dtype=bool), 1.0)


# One lesion


def test_ball_has_the_numbers_of_a_ball():
    radius, spacing = 40.0, 2.0
    slices = slice_shape_features(_ball(radius, spacing), 1.0)
    ball = lesion_shape_features(slices, [7] * len(slices), [spacing] * len(slices)).loc[7]
    assert np.exp(ball["log_volume"]) == pytest.approx(4 / 3 * np.pi * radius**3, rel=0.01)
    assert ball["height_mm"] == pytest.approx(2 * radius)
    assert ball["equivalent_diameter_mm"] == pytest.approx(2 * radius, rel=0.01)
    assert ball["max_area_mm2"] == pytest.approx(np.pi * radius**2, rel=0.01)
    assert ball["elongation"] == pytest.approx(1, abs=0.01)
    assert ball["sphericity"] == pytest.approx(1, abs=0.03)


def test_cylinder_has_the_sphericity_of_a_cylinder():
    radius, height = 30, 60
    slices = slice_shape_features(np.repeat(_ellipse(radius, radius)[None], height, axis=0), 1.0)
    cylinder = lesion_shape_features(slices, [0] * height, [1.0] * height).loc[0]
    volume, surface = np.pi * radius**2 * height, 2 * np.pi * radius * (radius + height)
    assert cylinder["sphericity"] == pytest.approx(np.pi ** (1 / 3) * (6 * volume) ** (2 / 3) / surface, rel=0.02)


def test_lengths_follow_the_spacing_and_ratios_do_not():
    masks = _ball(20, 2)
    one, two = (
        lesion_shape_features(slice_shape_features(masks, s), [0] * len(masks), [2 * s] * len(masks)).loc[0]
        for s in (1.0, 2.0)
    )
    for name in ("max_axis_mm", "equivalent_diameter_mm", "perimeter_mm", "height_mm"):
        assert two[name] == pytest.approx(2 * one[name])
    for name in (
        "eccentricity",
        "mean_solidity",
        "min_solidity",
        "mean_circularity",
        "elongation",
        "sphericity",
    ):
        assert two[name] == pytest.approx(one[name])
    assert two["log_volume"] == pytest.approx(one["log_volume"] + np.log(8))


# The cohort


@pytest.fixture(scope="module")
def selected() -> list[SelectedLesion]:
    return readers3(read_lesions())


@pytest.fixture(scope="module")
def features(selected: list[SelectedLesion]) -> pd.DataFrame:
    return selected_shape_features(selected)


def _cohort(selected: list[SelectedLesion], **columns: str) -> Cohort:
    """Some lesions pasted into 64 x 64, with columns given as attributes of the lesion."""
    masks, rows, spacing = [], [], []
    for one in selected:
        for index, mask in enumerate(one.masks):
            height, width = mask.shape
            masks.append(np.pad(mask, ((0, 64 - height), (0, 64 - width))))
            extra = {name: getattr(one.lesion, attribute) for name, attribute in columns.items()}
            rows.append({"subject": one.lesion.patient, "lesion": one.lesion.id, "slice": index, **extra})
            spacing.append([one.lesion.spacing_mm] * 2)
    samples = pd.DataFrame(rows)
    images = np.zeros((len(masks), 1, 64, 64), np.float32)
    subjects = pd.DataFrame(index=samples["subject"].unique())
    return Cohort("few", images, samples, subjects, np.array(spacing), Provenance(True, "", "", ""), np.stack(masks))


def test_cohort_and_lesions_give_the_same_features(selected: list[SelectedLesion], features: pd.DataFrame):
    few = [one for one in selected if max(one.masks.shape) <= 64][:30]
    cohort = _cohort(few, slice_spacing_mm="slice_spacing_mm")
    found = shape_features(cohort)
    pd.testing.assert_frame_equal(found, features.loc[found.index], check_dtype=False)


def test_volume_tells_the_spacing_of_slices_where_nothing_else_does(
    selected: list[SelectedLesion], features: pd.DataFrame
):
    few = [one for one in selected if max(one.masks.shape) <= 64][:10]
    cohort = _cohort(few)
    with pytest.raises(ValueError, match="cohort few: shape needs 'slice_spacing_mm' or 'volume_mm3'"):
        shape_features(cohort)
    cohort.samples["volume_mm3"] = np.exp(features["log_volume"]).loc[cohort.samples["lesion"]].to_numpy()
    found = shape_features(cohort)
    np.testing.assert_allclose(found["height_mm"], features.loc[found.index, "height_mm"])


def _lesion_auc(features: pd.DataFrame, selected: list[SelectedLesion], columns: list[str]) -> float:
    """Mean AUC over five folds of patients of a standardised logistic regression."""
    values = features.loc[[one.lesion.id for one in selected], columns].to_numpy()
    malignant = np.array([one.malignant for one in selected])
    patients = [one.lesion.patient for one in selected]
    scores = []
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0).split(values, malignant, patients)
    for train, test in folds:
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)).fit(values[train], malignant[train])
        scores.append(roc_auc_score(malignant[test], model.decision_function(values[test])))
    return float(np.mean(scores))


def test_shape_alone_reaches_the_known_auc(features: pd.DataFrame, selected: list[SelectedLesion]):
    assert _lesion_auc(features, selected, list(SHAPE_FEATURES)) == pytest.approx(0.92, abs=0.01)


def test_diameter_alone_reaches_the_known_auc(features: pd.DataFrame, selected: list[SelectedLesion]):
    assert _lesion_auc(features, selected, ["equivalent_diameter_mm"]) == pytest.approx(0.91, abs=0.01)


def test_median_diameters_are_as_published(features: pd.DataFrame, selected: list[SelectedLesion]):
    malignant = pd.Series({one.lesion.id: one.malignant for one in selected})
    medians = features["equivalent_diameter_mm"].groupby(malignant).median()
    assert medians.round(1).tolist() == [5.5, 11.4]
