"""Short-axis stacks for tests: LV, MYO and RV as discs that shrink from ED to ES, with the tables of real sets."""

import numpy as np
import pandas as pd

from disentangle.imaging.cohort import Cohort, Provenance

SIDE, SLICES, PAD = 48, 3, 5


def drawn_hearts(people: int = 6, seed: int = 0, between: bool = True) -> Cohort:
    """Per person ED, ES and (unlabelled) one frame between; odd people are "ct": bright RV, no texture.

    The window lies ``PAD`` pixels inside a native grid of 60 x 56.
    """
    rng = np.random.default_rng(seed)
    phases = ("ED", "ES", "between") if between else ("ED", "ES")
    rows, images, labels = [], [], []
    grid = np.mgrid[:SIDE, :SIDE]
    for person in range(people):
        centre, radius, ct = rng.uniform(22, 28, 2), rng.uniform(6, 8), person % 2 == 1
        levels = np.array([0.1, 0.9 if ct else 0.6, 0.5 if ct else 0.2, 0.9 if ct else 0.8]) + rng.uniform(0, 0.05, 4)
        for phase in phases:
            for place in range(SLICES):
                size = radius * {"ED": 1.0, "ES": 0.6, "between": 0.8}[phase] * (1 - 0.2 * place)
                drawn = _labels(grid, centre, size, radius * 1.4)
                images.append(np.clip(levels[drawn] + rng.normal(0, 0.02, drawn.shape), 0, 1))
                labels.append(drawn if phase != "between" else np.full_like(drawn, 255))
                rows.append({"subject": f"p{person}", "phase": phase, "slice": place, "modality": "ct" if ct else "mr"})
    samples = pd.DataFrame(rows).assign(
        native_rows=60, native_columns=56, top=PAD, left=PAD, step_row=1.0, step_column=1.0, slice_mm=8.0
    )
    groups = {f"p{person}": "DCM" if person < people / 2 else "NOR" for person in range(people)}
    return Cohort(
        name="drawn_hearts",
        images=np.stack(images)[:, None].astype(np.float32),
        samples=samples.assign(scanner=samples["modality"], diagnosis=samples["subject"].map(groups)),
        subjects=pd.DataFrame({"diagnosis": groups}).rename_axis("subject"),
        spacing_mm=np.full((len(samples), 2), 1.5, np.float32),
        provenance=Provenance(real=False, source="drawn_hearts", licence="none", citation="none"),
        labels=np.stack(labels).astype(np.uint8),
    )


def _labels(grid: np.ndarray, centre: np.ndarray, cavity: float, outer: float) -> np.ndarray:
    lv = np.hypot(*(grid - centre[:, None, None]))
    rv = np.hypot(*(grid - (centre - [0, outer])[:, None, None]))
    return np.where(lv < cavity, 3, np.where(lv < outer, 2, np.where(rv < outer, 1, 0)))
