"""A small cohort of bright and dark discs, for what needs images of people with lesions."""

import numpy as np
import pandas as pd
import pytest

from disentangle.imaging.cohort import Cohort, Provenance


@pytest.fixture(scope="session")
def discs() -> Cohort:
    """60 people, one to two lesions each, two slices a lesion; malignant lesions are the larger ones, mostly."""
    rng = np.random.default_rng(0)
    rows, images, masks = [], [], []
    grid = np.hypot(*(np.indices((64, 64)) - 31.5))
    for person in range(60):
        for _ in range(rng.integers(1, 3)):
            radius, lesion = rng.uniform(3, 14), len(rows) // 2
            malignant = float(radius + rng.normal(0, 2) > 8)
            for number, shrink in enumerate((1.0, 0.9)):
                mask = grid <= radius * shrink
                images.append(np.clip(0.2 + 0.6 * mask + rng.normal(0, 0.02, mask.shape), 0, 1))
                masks.append(mask)
                rows.append(
                    {
                        "subject": f"p{person:02d}",
                        "lesion": lesion,
                        "slice": number,
                        "malignant": malignant,
                        "lesion_diameter_mm": 1.4 * radius,
                        "sphericity": rng.uniform(1, 5),
                        "margin": rng.uniform(1, 5),
                    }
                )
    samples = pd.DataFrame(rows)
    return Cohort(
        name="discs",
        images=np.asarray(images, np.float32)[:, None],
        samples=samples,
        subjects=samples.groupby("subject").size().to_frame("slices"),
        spacing_mm=np.full((len(samples), 2), 0.7, np.float32),
        provenance=Provenance(real=False, source="test", licence="none", citation="none"),
        masks=np.asarray(masks),
    )
