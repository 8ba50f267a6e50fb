"""The data sets that the book knows, as plain facts; ``datasets`` acts on them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DataSet:
    """Facts about one data set.

    Attributes
    ----------
    loader, check : "module:function"
        ``loader(folder, ...) -> Cohort`` for real sets, ``loader(...) -> Cohort`` for embedded ones;
        ``check(folder) -> (lines, problems)`` looks without loading.
    real : bool
        Grey values measured in people. Such a set lies in a folder; all others come with the package.
    folders : names under DISENTANGLE_DATA, the first is the usual one
    layouts : what the folder may look like
    tried : "original files" or "built from documentation"
    bits : grey levels of the pack, 8 or 16
    files : for embedded sets, the files they are made from, relative to ``disentangle/imaging``
    """

    name: str
    title: str
    loader: str
    real: bool
    licence: str
    citation: str
    how_to_get: str
    tried: str
    figures_allowed: bool = True
    layouts: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    check: str = ""
    bits: int = 8
    files: tuple[str, ...] = ()


_LIDC = (
    "Armato SG et al. The Lung Image Database Consortium (LIDC) and Image Database Resource Initiative "
    "(IDRI). Medical Physics 38:915-931, 2011. Data: doi:10.7937/K9/TCIA.2015.LO9QL9SX"
)
_LIDC_LICENCE = "CC BY 3.0"

_ALL = (
    DataSet(
        name="lidc",
        title="LIDC-IDRI lesions: real outlines and ratings, simulated grey values",
        loader="disentangle.imaging.lidc.cohort:load",
        real=False,
        licence=_LIDC_LICENCE,
        citation=_LIDC,
        how_to_get="It comes with the package.",
        tried="original files",
        files=("lidc/*.xz", "lidc/*.npz", "lidc/*.json"),
    ),
    DataSet(
        name="lidc_patches",
        title="LIDC-IDRI solid nodules: 64x64 slices, lesion on black, 600 nodules of 345 exams",
        loader="disentangle.imaging.lidc.patches:load",
        real=True,
        licence=_LIDC_LICENCE,
        citation=_LIDC,
        how_to_get=(
            "It is a public extract of LIDC-IDRI: take the folders data/images and data/features/radiomics "
            "of github.com/MaximoDouglas/pulmonary-nodule-classification, as images/ and features/radiomics/."
        ),
        tried="original files",
        layouts=("images/<maligno|benigno>/<exam>/<nodule>/<slice>.png and features/**/*.csv",),
        folders=("lidc_solid_nodules", "lidc_patches"),
        check="disentangle.imaging.lidc.patches:check",
        bits=8,
    ),
    DataSet(
        name="lidc_idri",
        title="LIDC-IDRI as TCIA gives it: CT scans in DICOM, outlines and ratings from the package",
        loader="disentangle.imaging.lidc.tcia:load",
        real=True,
        licence=_LIDC_LICENCE,
        citation=_LIDC,
        how_to_get=(
            "Fetch the images of the collection LIDC-IDRI from The Cancer Imaging Archive "
            "(doi:10.7937/K9/TCIA.2015.LO9QL9SX, about 124 GB; any part of the 1,010 people will do) with "
            "the NBIA Data Retriever."
        ),
        tried="built from documentation",
        layouts=("LIDC-IDRI-dddd/<study>/<series>/*.dcm", "any depth above the folders of the series"),
        folders=("LIDC-IDRI", "lidc_idri"),
        check="disentangle.imaging.lidc.tcia:check",
        bits=16,
    ),
    DataSet(
        name="lidc_cubes",
        title="LIDC-IDRI nodules with their surroundings: cubes of 51 voxels, no outlines, no labels",
        loader="disentangle.imaging.lidc.cubes:load",
        real=True,
        licence=_LIDC_LICENCE,
        citation=_LIDC,
        how_to_get="Take the six .npy files of github.com/gmaresta/iW-Net, or cut your own in their form.",
        tried="original files",
        layouts=("<scan>_nod<nodule>_ann<annotation>.npy",),
        folders=("lidc_cubes",),
        check="disentangle.imaging.lidc.cubes:check",
        bits=16,
    ),
)

CATALOGUE: dict[str, DataSet] = {known.name: known for known in _ALL}
