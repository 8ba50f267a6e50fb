"""Terms, citations and ways to get the sets of real brains: the entries of the catalogue, as plain facts."""

from __future__ import annotations

from typing import Any

from disentangle.imaging.brain_scans.layouts import DOCUMENTATION, LAYOUTS

_LESJAK = (
    "Lesjak Z et al. A Novel Public MR Image Dataset of Multiple Sclerosis Patients With Lesion Segmentations Based on "
    "Multi-rater Consensus. Neuroinformatics 16:51-63, 2018. doi:10.1007/s12021-017-9348-7"
)
_MENZE = (
    "Menze BH et al. The Multimodal Brain Tumor Image Segmentation Benchmark (BRATS). IEEE Transactions on Medical "
    "Imaging 34:1993-2024, 2015. doi:10.1109/TMI.2014.2377694"
)
_BAID = (
    "Baid U et al. The RSNA-ASNR-MICCAI BraTS 2021 Benchmark on Brain Tumor Segmentation and Radiogenomic "
    "Classification. arXiv:2107.02314, 2021"
)
_ASK_PROVIDER = "the provider's terms; registration needed"


def _set(name: str, title: str, licence: str, citation: str, get: str, files: str, **more: Any) -> dict[str, Any]:
    tried = LAYOUTS[name].tried
    says = (
        "built from documentation, tested on synthetic files" if tried == DOCUMENTATION else "tried on original files"
    )
    return {
        "name": name,
        "title": title,
        "loader": f"disentangle.imaging.brain_scans.readers:{name}",
        "check": f"disentangle.imaging.brain_scans.readers:check_{name}",
        "real": True,
        "licence": licence,
        "citation": citation,
        "how_to_get": get,
        "tried": tried,
        "layouts": tuple(f"{one} ({says})" for one in files.split(" | ")),
        "folders": (name,),
        **more,
    }


FACTS: tuple[dict[str, Any], ...] = (
    _set(
        "ms_lesions",
        "Multiple sclerosis, 3 T: T1, T2 and FLAIR in MNI space, lesions by consensus of three raters",
        "CC BY",
        _LESJAK,
        "Take cross_sectional/MNI of github.com/muschellij2/open_ms_data: the same people as mslub, stripped of the "
        "skull and moved to MNI space.",
        "patientNN/{T1,T2,FLAIR,GOLD_STANDARD}_N4_..._regtoMNI.nii.gz",
    ),
    _set(
        "mslub",
        "Multiple sclerosis, 3 T: T1, contrast-enhanced T1, T2 and FLAIR with brain mask and consensus lesions",
        "CC BY",
        _LESJAK,
        "Fetch the 3D MR image database of multiple sclerosis patients from lit.fe.uni-lj.si, or "
        "cross_sectional/coregistered_resampled of github.com/muschellij2/open_ms_data. The people are those of "
        "ms_lesions: never use both in one split.",
        "patientN/[raw/]patientN_{T1W,T1WKS,T2W,FLAIR,brainmask,consensus_gt}.nii.gz"
        " | patientNN/{T1W,T1WKS,T2W,FLAIR,brainmask,consensus_gt}.nii.gz",
        folders=("mslub", "MSLUB"),
    ),
    _set(
        "brats2013",
        "BraTS 2013 glioma: FLAIR and contrast-enhanced T1, z-scored, parts of the tumour, brain mask",
        "CC BY-NC-SA 3.0 (figures non-commercial, no weights published)",
        _MENZE,
        "Take the example data of github.com/deepmedic/deepmedic.",
        "brats_2013_patNNNN_N/{Flair,T1c}_subtrMeanDivStd.nii.gz, OTMultiClass.nii.gz, brainmask.nii.gz",
    ),
    _set(
        "tcga_lgg",
        "TCGA low-grade glioma: T1, contrast-enhanced T1, T2 and FLAIR; the mask is a fusion of automatic ones",
        "public collection, licence version not confirmed",
        "Pedano N et al. The Cancer Genome Atlas Low Grade Glioma Collection (TCGA-LGG). The Cancer Imaging Archive, "
        "2016. doi:10.7937/K9/TCIA.2016.L4LTD3TK",
        "Fetch TCGA-LGG from The Cancer Imaging Archive, strip the skull, register to one 1 mm grid.",
        "TCGA-NN-NNNN/*_{t1,t1c,t2,fla}_bet.nii.gz, mav.nii.gz",
        figures_allowed=False,
    ),
    _set(
        "brats2018",
        "BraTS 2018 glioma: T1, contrast-enhanced T1, T2, FLAIR and parts of the tumour (enhancing is 4)",
        _ASK_PROVIDER,
        _MENZE,
        "Register for BraTS 2018 at www.med.upenn.edu/sbia/brats2018.",
        "[HGG|LGG]/Brats18_X/Brats18_X_{t1,t1ce,t2,flair,seg}.nii.gz",
        folders=("brats2018", "BraTS2018", "MICCAI_BraTS_2018_Data_Training"),
    ),
    _set(
        "brats2021",
        "BraTS 2021 glioma: T1, contrast-enhanced T1, T2, FLAIR and parts of the tumour (enhancing is 4)",
        _ASK_PROVIDER,
        _BAID,
        "Register for BraTS 2021 at www.synapse.org (syn25829067).",
        "BraTS2021_NNNNN/BraTS2021_NNNNN_{t1,t1ce,t2,flair,seg}.nii.gz",
        folders=("brats2021", "BraTS2021_Training_Data"),
    ),
    _set(
        "brats2023",
        "BraTS 2023 glioma: T1, contrast-enhanced T1, T2, FLAIR and parts of the tumour (enhancing is 3)",
        _ASK_PROVIDER,
        _BAID,
        "Register for BraTS 2023 at www.synapse.org (syn51156910).",
        "BraTS-GLI-NNNNN-NNN/BraTS-GLI-NNNNN-NNN-{t1n,t1c,t2w,t2f,seg}.nii.gz",
        folders=("brats2023", "ASNR-MICCAI-BraTS2023-GLI-Challenge-TrainingData"),
    ),
    _set(
        "ixi",
        "IXI: T1, T2 and proton density of about 600 healthy people at three hospitals, skull included",
        "CC BY-SA 3.0",
        "IXI dataset, Information eXtraction from Images (EPSRC GR/S21533/02), brain-development.org",
        "Fetch IXI from brain-development.org; write a brain mask beside each T1 as IXINNN-SITE-NNNN-brainmask.nii.gz "
        "(SynthStrip or HD-BET). T2 and PD are laid on T1 by the headers alone: register them first where that is "
        "not enough.",
        "IXINNN-{Guys,HH,IOP}-NNNN-{T1,T2,PD,brainmask}.nii.gz",
        folders=("ixi", "IXI"),
    ),
    _set(
        "atlas_v2",
        "ATLAS v2.0 chronic stroke: T1 in MNI space with lesions, skull included",
        "CC BY-NC 4.0 or the provider's terms; check on fetching",
        "Liew SL et al. A large, curated, open-source stroke neuroimaging dataset to improve lesion segmentation "
        "algorithms. Scientific Data 9:320, 2022. doi:10.1038/s41597-022-01401-7",
        "Fetch ATLAS R2.0 from fcon_1000.projects.nitrc.org/indi/retro/atlas.html. Without a file "
        "..._desc-brain_mask.nii.gz the brain of the MNI template stands in.",
        "sub-rNNNsNNN/ses-N/anat/sub-..._space-MNI152NLin2009aSym_{T1w,label-L_desc-T1lesion_mask}.nii.gz",
        folders=("atlas_v2", "ATLAS_2"),
    ),
    _set(
        "wmh2017",
        "WMH 2017: T1 and FLAIR of old people with white-matter hyperintensities, skull included",
        "the provider's terms; check on fetching",
        "Kuijf HJ et al. Standardized Assessment of Automatic Segmentation of White Matter Hyperintensities. IEEE "
        "Transactions on Medical Imaging 38:2556-2568, 2019. doi:10.1109/TMI.2019.2905770",
        "Fetch the WMH challenge data from dataverse.nl (doi:10.34894/AECRSD); write a brain mask into each person's "
        "folder as brainmask.nii.gz (SynthStrip or HD-BET).",
        "{Utrecht,Singapore,Amsterdam/GE3T,...}/N/pre/{FLAIR,T1}.nii.gz, wmh.nii.gz, brainmask.nii.gz",
        folders=("wmh2017", "WMH2017"),
    ),
    _set(
        "autopet",
        "FDG-PET-CT-Lesions (AutoPET): whole-body PET and CT on the grid of PET, lesions",
        "the provider's terms; registration needed",
        "Gatidis S et al. A whole-body FDG-PET/CT Dataset with manually annotated Tumor Lesions. Scientific Data "
        "9:601, 2022. doi:10.1038/s41597-022-01718-3",
        "Fetch FDG-PET-CT-Lesions as NIfTI from The Cancer Imaging Archive or autopet.grand-challenge.org.",
        "PETCT_X/<study>/{SUV,CTres,SEG}.nii.gz",
        folders=("autopet", "FDG-PET-CT-Lesions"),
        bits=16,
    ),
    _set(
        "dicom_brains",
        "Your own brains: registered DICOM series, one folder a contrast",
        "yours",
        "your own data",
        "Lay the series as <person>/<T1, T1ce, T2, FLAIR, PD, CT or PET>/*.dcm, with brain.nii.gz (brain mask) beside.",
        "<person>/<contrast>/*.dcm, brain.nii.gz, lesion.nii.gz (optional)",
        bits=16,
    ),
)

BY_NAME = {facts["name"]: facts for facts in FACTS}
