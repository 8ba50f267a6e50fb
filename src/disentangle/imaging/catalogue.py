"""The data sets that the book knows, as plain facts; ``datasets`` acts on them."""

from __future__ import annotations

from dataclasses import dataclass

from disentangle.imaging.brain_scans import facts as brain_scans


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
    beside : names of folders that the loader reads as well where they lie next to the set's own
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
    beside: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


_LIDC = (
    "Armato SG et al. The Lung Image Database Consortium (LIDC) and Image Database Resource Initiative "
    "(IDRI). Medical Physics 38:915-931, 2011. Data: doi:10.7937/K9/TCIA.2015.LO9QL9SX"
)
_LIDC_LICENCE = "CC BY 3.0"

_HEART = (
    "Simulated by this package after: Chartsias A et al. Disentangled representation learning in cardiac image "
    "analysis. Medical Image Analysis 58:101535, 2019; groups after Bernard O et al. IEEE TMI 37:2514-2525, 2018 (ACDC)"
)

_LUNG = (
    "Simulated by this package after: Pan J et al. Disentanglement of Biological and Technical Factors via Latent "
    "Space Rotation in Clinical Imaging Improves Disease Pattern Discovery. AMAI workshop at MICCAI 2025; kernel "
    "effects after Gallardo-Estrella L et al. European Radiology 26:478-486, 2016"
)

_BRAIN = (
    "Simulated by this package on the ICBM152 2009a nonlinear template: Fonov V et al. Unbiased average "
    "age-appropriate atlases for pediatric studies. NeuroImage 54:313-327, 2011. "
    "Copyright McConnell Brain Imaging Centre, McGill"
)

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
    DataSet(
        name="acdc",
        title="ACDC: cine cardiac MR at end-diastole and end-systole with RV, MYO and LV, 128x128 around the heart",
        loader="disentangle.imaging.cardiac.acdc:load",
        real=True,
        licence="free with citation; mirrors state CC BY-NC-SA 4.0 (figures non-commercial, no weights published)",
        citation=(
            "Bernard O et al. Deep Learning Techniques for Automatic MRI Cardiac Multi-Structures Segmentation and "
            "Diagnosis: Is the Problem Solved? IEEE Transactions on Medical Imaging 37:2514-2525, 2018. "
            "doi:10.1109/TMI.2018.2837502"
        ),
        how_to_get=(
            "Fetch the ACDC database from its provider (humanheart-project.creatis.insa-lyon.fr/database), or the "
            "HDF5 volumes that come with the semi-supervised benchmarks (github.com/HiLab-git/SSL4MIS). The HDF5 "
            "reader was tried on original files, the reader of the provider's NIfTI was built from documentation "
            "and tested on synthetic files."
        ),
        tried="original files",
        layouts=(
            "patientNNN_frameXX.h5, at any depth (tried on original files)",
            "<training|testing>/patientNNN/Info.cfg, patientNNN_frameXX[_gt].nii.gz, patientNNN_4d.nii.gz "
            "(built from documentation)",
        ),
        folders=("acdc_h5", "acdc", "ACDC"),
        check="disentangle.imaging.cardiac.acdc:check",
        bits=8,
    ),
    DataSet(
        name="sunnybrook",
        title="Sunnybrook: cine cardiac MR slices with the cavity of the left ventricle, 128x128 around the heart",
        loader="disentangle.imaging.cardiac.sunnybrook:load",
        real=True,
        licence="CC0",
        citation=(
            "Radau P et al. Evaluation Framework for Algorithms Segmenting Short Axis Cardiac MRI. The MIDAS Journal - "
            "Cardiac MR Left Ventricle Segmentation Challenge, 2009"
        ),
        how_to_get=(
            "Fetch the Sunnybrook Cardiac Data (www.cardiacatlas.org/sunnybrook-cardiac-data) and write each outlined "
            "slice and its endocardial mask as PNG of the same name into images/ and labels/."
        ),
        tried="original files",
        layouts=("images/ and labels/, SC-<group>-<nn>-IM-<series>-<number>.dcm.png",),
        folders=("sunnybrook",),
        check="disentangle.imaging.cardiac.sunnybrook:check",
        bits=8,
    ),
    DataSet(
        name="heart_phantom",
        title="Simulated short-axis hearts: five diagnosis groups, cine MR at 1.5 and 3 T, cardiac CT",
        loader="disentangle.imaging.heart.cohort:load",
        real=False,
        licence="MIT",
        citation=_HEART,
        how_to_get="It comes with the package.",
        tried="original files",
    ),
    DataSet(
        name="lung_phantom",
        title="Simulated lung tissue: seven textures in exact pairs of CT settings, 240 patients with survival",
        loader="disentangle.imaging.lung.cohort:load",
        real=False,
        licence="MIT",
        citation=_LUNG,
        how_to_get="It comes with the package.",
        tried="original files",
    ),
    DataSet(
        name="lung_ct",
        title="Real lung CT: patches of 32x32 at 0.7 mm, as scanned and degraded to other settings",
        loader="disentangle.imaging.lung_ct.cohort:load",
        real=True,
        licence="CC BY-NC 3.0 (figures non-commercial, no weights published)",
        citation=(
            "Aerts HJWL et al. Decoding tumour phenotype by noninvasive imaging using a quantitative radiomics "
            "approach. Nature Communications 5:4006, 2014. Data: doi:10.7937/K9/TCIA.2015.PF0M9REI"
        ),
        how_to_get=(
            "Fetch any person of the collection NSCLC-Radiomics from The Cancer Imaging Archive "
            "(doi:10.7937/K9/TCIA.2015.PF0M9REI), images and RTSTRUCT, or take chest CT of your own, in DICOM or "
            "NIfTI, one scan a person, a lung mask beside it where you have one."
        ),
        tried="original files",
        layouts=(
            "any folders, one CT series a person in DICOM, RTSTRUCT among the slices or in a folder of its own",
            "<person>/<picture>.nii.gz with <picture>_lung.nii.gz (lung) or mask.nii.gz (tumour)",
            "<picture>.nii.gz, <picture>_lung.nii.gz, ... of many people in one folder",
        ),
        folders=("lung_ct", "lung1", "lung_ct_gtv"),
        beside=("lung_ct_gtv",),
        check="disentangle.imaging.lung_ct.cohort:check",
        bits=16,
    ),
    DataSet(
        name="brain_sites",
        title="Simulated heads on the ICBM152 template: T1, T2 and FLAIR at six sites, five lesions, lesion-free twins",
        loader="disentangle.imaging.brain.cohort:load",
        real=False,
        licence="code MIT; anatomy derived from the ICBM152 template, whose copyright notice it carries",
        citation=_BRAIN,
        how_to_get="It comes with the package; the template comes with nilearn.",
        tried="original files",
    ),
    DataSet(
        name="brain",
        title="Simulated heads with gliomas as volumes: T1, T1ce, T2, FLAIR at 1.5 or 3 T, labels of BraTS 2023",
        loader="disentangle.imaging.glioma.cohort:load",
        real=False,
        licence="code MIT; anatomy derived from the ICBM152 template, whose copyright notice it carries",
        citation=_BRAIN,
        how_to_get="It comes with the package; the template comes with nilearn.",
        tried="original files",
    ),
    DataSet(
        name="pet_ct",
        title="The heads of `brain` in FDG-PET and CT, tumours hot or cold",
        loader="disentangle.imaging.glioma.cohort:load_pet_ct",
        real=False,
        licence="code MIT; anatomy derived from the ICBM152 template, whose copyright notice it carries",
        citation=_BRAIN,
        how_to_get="It comes with the package; the template comes with nilearn.",
        tried="original files",
    ),
    *(DataSet(**facts) for facts in brain_scans.FACTS),
)

CATALOGUE: dict[str, DataSet] = {known.name: known for known in _ALL}
