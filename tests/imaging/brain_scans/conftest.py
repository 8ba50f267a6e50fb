"""Synthetic heads as NIfTI files, named as each set names them."""

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

LPS = np.array([[-2.0, 0, 0, 40], [0, -2.0, 0, 50], [0, 0, 2.0, -30], [0, 0, 0, 1]])
SHAPE = (40, 48, 36)


@pytest.fixture(scope="session")
def head() -> dict[str, np.ndarray]:
    """Stripped head of 2 mm voxels on axes LPS: brain, two contrasts, labels 0 1 2 left, in front, above."""
    i, j, k = np.indices(SHAPE)
    brain = ((i - 20) / 15) ** 2 + ((j - 24) / 19) ** 2 + ((k - 18) / 13) ** 2 < 1
    noise = np.random.default_rng(0).normal(0, 4, SHAPE)
    labels = np.zeros(SHAPE, np.uint8)
    labels[24:31, 14:21, 20:26] = 2
    labels[26:29, 16:19, 22:24] = 1
    t1 = np.where(brain, 100 + 20 * (k > 18) + noise, 0)
    t2 = np.where(brain, 50 + 80 * (labels > 0) + noise, 0)
    return {"brain": brain, "T1": t1, "T2": t2, "labels": labels * brain}


@pytest.fixture(scope="session")
def write() -> Callable[..., Path]:
    """Function ``write(path, values, affine=LPS, codes=(1, 1), dtype=None) -> path``."""

    def _write(path: Path, values: np.ndarray, affine: np.ndarray = LPS, codes=(1, 1), dtype=np.float32) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        image = nib.Nifti1Image(values.astype(dtype), affine)
        image.set_qform(affine, codes[0])
        image.set_sform(affine, codes[1])
        nib.save(image, path)
        return path

    return _write


@pytest.fixture
def brats(tmp_path: Path, head, write) -> Path:
    """One person in the layout of BraTS 2023, all four modalities."""
    place = tmp_path / "brats2023" / "BraTS-GLI-00001-000"
    for kind, part in {"t1n": "T1", "t1c": "T1", "t2w": "T2", "t2f": "T2", "seg": "labels"}.items():
        write(place / f"BraTS-GLI-00001-000-{kind}.nii.gz", head[part])
    return tmp_path / "brats2023"
