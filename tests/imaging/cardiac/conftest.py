"""Hearts of simple shapes, and folders of them in every layout that the readers take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from disentangle.imaging.cardiac import acdc
from disentangle.imaging.cardiac.labels import CardiacError

ROWS, COLUMNS, SLICES = 168, 150, 4
ZOOM = (1.5, 1.5, 8.0)  # mm: column, row, slice


def _heart(
    radius: float = 18.0, centre: tuple[float, float] = (80.0, 78.0), shape: tuple[int, int] = (ROWS, COLUMNS)
) -> tuple[np.ndarray, np.ndarray]:
    """Image and labels (slice, row, column): round LV in a ring of MYO, RV to the left with its tail upwards,
    lung to the upper right, liver below. Slices get smaller."""
    rows, columns = np.indices(shape, dtype=float)
    rows, columns = rows - centre[0], columns - centre[1]
    angle = np.degrees(np.arctan2(rows, columns)) % 360  # 0 right, 90 down, 180 left, 270 up
    distance = np.hypot(rows, columns)
    images, labels = [], []
    for part in np.linspace(1.0, 0.7, SLICES):
        inner, outer = part * radius, part * radius + 6
        reach = np.interp(angle, [125, 140, 260], [0, 22 * part, 3])
        label = np.zeros(shape, np.uint8)
        label[(distance < outer + reach) & (angle > 125) & (angle < 260)] = 1
        label[distance < outer] = 2
        label[distance < inner] = 3
        ground = np.where((angle > 265) | (angle < 20), 0.05, np.where(angle < 130, 0.6, 0.3))
        images.append(np.choose(label, [ground, 0.9, 0.35, 1.0]))
        labels.append(label)
    noise = np.random.default_rng(0).normal(0, 0.01, (SLICES, *shape))
    return (np.stack(images) + noise).astype(np.float32), np.stack(labels)


@pytest.fixture(scope="session")
def heart() -> Callable:
    """Function ``heart(radius, centre, shape) -> (image, labels)``, both (slice, row, column)."""
    return _heart


def _hdf5(folder: Path, number: int, frame: int, image: np.ndarray, labels: np.ndarray | None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"patient{number:03d}_frame{frame:02d}.h5"
    with h5py.File(path, "w") as file:
        file["image"] = (image - image.min()) / max(np.ptp(image), 1e-6)
        if labels is not None:
            file["label"] = labels
    return path


@pytest.fixture(scope="session")
def write_hdf5() -> Callable:
    """Function ``write_hdf5(folder, number, frame, image, labels) -> path``."""
    return _hdf5


@pytest.fixture
def hdf5(tmp_path: Path) -> Path:
    """Three people (DCM, HCM, NOR) with a large and a small LV, in the benchmarks' layout."""
    for number in (1, 21, 61):
        _hdf5(tmp_path / "h5", number, 1, *_heart(18 + number % 3))
        _hdf5(tmp_path / "h5", number, 9, *_heart(12))
    return tmp_path / "h5"


def _nifti(path: Path, values: np.ndarray, zoom: tuple = ZOOM, qform: np.ndarray | None = None, unit=True) -> Path:
    """Write (slice, row, column) or (time, slice, row, column) as ACDC does: sform with voxels of 1 mm."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = values.transpose().astype(np.int16 if values.dtype.kind == "f" else np.uint8)
    affine = np.diag([-zoom[0], -zoom[1], zoom[2], 1.0]) if qform is None else qform
    image = nib.Nifti1Image(data, affine)
    image.set_qform(affine, code=1)
    image.set_sform(np.diag([-1.0, -1.0, 1.0, 1.0]) if unit else affine, code=1)
    image.header.set_zooms((*zoom, 1.0)[: data.ndim])
    nib.save(image, path)
    return path


@pytest.fixture(scope="session")
def write_nifti() -> Callable:
    """Function ``write_nifti(path, values, zoom, qform, unit) -> path``."""
    return _nifti


def _patient(folder: Path, number: int = 1, group: str = "MINF", ed: int = 3, es: int = 1) -> Path:
    """One person as the provider gives it, 4 frames in the series; ED here is not the first frame."""
    home = folder / f"patient{number:03d}"
    home.mkdir(parents=True, exist_ok=True)
    (home / "Info.cfg").write_text(f"ED: {ed}\nES: {es}\nGroup: {group}\nHeight: 172.0\nNbFrame: 4\nWeight: 70.5\n")
    hearts = {frame: _heart({ed: 18, es: 12}.get(frame, 15)) for frame in range(1, 5)}
    series = np.stack([hearts[frame][0] * 1000 for frame in sorted(hearts)])
    _nifti(home / f"{home.name}_4d.nii.gz", series)
    for frame in (ed, es):
        image, labels = hearts[frame]
        _nifti(home / f"{home.name}_frame{frame:02d}.nii.gz", image * 1000)
        _nifti(home / f"{home.name}_frame{frame:02d}_gt.nii.gz", labels)
    return home


@pytest.fixture(scope="session")
def write_patient() -> Callable:
    """Function ``write_patient(folder, number, group, ed, es) -> folder of the person``."""
    return _patient


@pytest.fixture
def nifti(tmp_path: Path) -> Path:
    """Two people in the provider's layout."""
    _patient(tmp_path / "acdc" / "training", 1)
    _patient(tmp_path / "acdc" / "training", 2, "NOR", ed=1, es=3)
    return tmp_path / "acdc"


@pytest.fixture
def sunnybrook(tmp_path: Path) -> Path:
    """Two people with three slices at two moments each, LV drawn."""
    folder = tmp_path / "sunnybrook"
    for person in ("SC-N-02", "SC-HF-NI-04"):
        for moment, radius in ((20, 20.0), (8, 13.0)):
            image, labels = _heart(radius, (90, 100), (192, 200))
            for step in range(3):
                name = f"{person}-IM-0001-{moment + 20 * step:04d}.dcm.png"
                _png(folder / "images" / name, np.clip(image[step] * 200, 0, 255))
                _png(folder / "labels" / name, (labels[step] == 3) * 255)
    return folder


def _png(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).convert("RGB").save(path)


@pytest.fixture(scope="session")
def write_png() -> Callable:
    """Function ``write_png(path, pixels)``."""
    return _png


def _refused(folder: Path, *words: str, **options) -> None:
    with pytest.raises(CardiacError) as caught:
        acdc.load(folder, **options)
    assert all(word in str(caught.value) for word in words), str(caught.value)
    if not options:
        assert acdc.check(folder)[1], "the folder check must see it too"


@pytest.fixture(scope="session")
def refused() -> Callable:
    """Function ``refused(folder, *words, **options)``: ACDC's loader and folder check refuse it in these words."""
    return _refused
