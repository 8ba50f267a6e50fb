"""From a cohort of volumes, simulated or read from files, to what PUIR takes: cases and masks of tumour regions.

A cohort has a black volume where a modality is absent, and label numbers of its own with their names; the method wants
absent keys, and whole tumour, tumour core and enhancing tumour.
"""

from __future__ import annotations

import numpy as np

from disentangle.imaging.cohort import Cohort
from disentangle.puir.real import centred
from disentangle.puir.segmentation import REGIONS

PARTS: dict[str, tuple[str, ...]] = {
    "wt": ("oedema", "core", "ncr_net", "enhancing"),
    "tc": ("core", "ncr_net", "enhancing"),
    "et": ("enhancing",),
}
"""Names of labels in each region: ``core`` of the sets that are read, ``ncr_net`` of the simulated ones."""


def cases_of(cohort: Cohort, side: int | None = None) -> list[dict[str, np.ndarray]]:
    """One dict a scan, modality -> volume float32 in 0..1; modalities that were not scanned are absent keys.

    ``side``: volumes are cut or filled with zeros at both ends to cubes of so many voxels, as networks need them.
    Raises ValueError for sections; ``datasets.load(name, volumes=True)`` gives volumes.
    """
    if np.ndim(cohort.images) != 5:
        raise ValueError(
            f"{cohort.name}: images have the shape {np.shape(cohort.images)}, expected volumes (person, modality, "
            "depth, height, width): load with volumes=True"
        )
    names = tuple(cohort.extra["modalities"])
    there = np.column_stack([cohort.samples.get(f"has_{name}", np.ones(len(cohort), bool)) for name in names])
    return [
        {name: _sized(volumes[at], side) for at, name in enumerate(names) if has[at]}
        for volumes, has in zip(cohort.images, there.astype(bool), strict=True)
    ]


def regions_of_labels(cohort: Cohort, side: int | None = None) -> np.ndarray:
    """Masks (scan, region, depth, height, width) bool of ``wt``, ``tc`` and ``et``, by the names of the labels.

    What a set marks as not to be scored lies in no region. Raises ValueError that names the scan where nobody drew, and
    where lesions are drawn that have no parts: there is no tumour core to learn.
    """
    numbers = cohort.extra.get("labels", {})
    if cohort.labels is None or "enhancing" not in numbers:
        raise ValueError(f"{cohort.name}: labels are named {sorted(numbers)}, expected 'enhancing' among them")
    labels, subjects = np.asarray(cohort.labels), cohort.samples["subject"].tolist()
    drawn = cohort.samples.get("annotated", np.ones(len(cohort), bool))
    for subject, there, one in zip(subjects, drawn, labels, strict=True):
        if not there:
            raise ValueError(f"{cohort.name}, {subject}: nobody drew a tumour here, which is not the same as none")
        whole = int((one == numbers["lesion"]).sum()) if "lesion" in numbers else 0
        if whole:
            raise ValueError(
                f"{cohort.name}, {subject}: {whole} voxels are 'lesion' of no stated part, expected oedema, core and "
                "enhancing tumour: regions can be learned from sets such as BraTS alone"
            )
    masks = [np.isin(labels, [numbers[part] for part in PARTS[name] if part in numbers]) for name in REGIONS]
    stacked = np.stack(masks, 1)
    if not stacked.any():
        raise ValueError(f"{cohort.name}: no voxel is oedema, core or enhancing tumour: the set has no tumour parts")
    return np.stack([[_sized(mask, side) for mask in person] for person in stacked])


def _sized(volume: np.ndarray, side: int | None) -> np.ndarray:
    return volume if side is None else centred(volume, side)
