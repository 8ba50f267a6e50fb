"""File names of every set are understood, and label numbers keep their meaning across years."""

import numpy as np
import pytest

from disentangle.imaging import datasets
from disentangle.imaging.brain_scans import facts, nifti, readers
from disentangle.imaging.brain_scans.layouts import LAYOUTS
from disentangle.imaging.brain_scans.scan import LABELS, ScanError

NAMES = {
    "ms_lesions": [
        ("patient26/FLAIR_N4_noneck_reduced_winsor_regtoFLAIR_brain_N4_regtoMNI.nii.gz", "patient26", "FLAIR"),
        ("patient07/T1POST_N4_noneck_reduced_winsor_regtoFLAIR_brain_N4_regtoMNI.nii.gz", "patient07", "T1ce"),
        ("patient26/GOLD_STANDARD_N4_noneck_reduced_winsor_regtoFLAIR_regtoMNI.nii.gz", "patient26", "labels"),
    ],
    "mslub": [
        ("patient1/patient1_consensus_gt.nii.gz", "patient1", "labels"),
        ("patient1/raw/patient1_T1WKS.nii.gz", "patient1", "T1ce"),
        ("coregistered/patient01/T2W.nii.gz", "patient01", "T2"),
        ("patient01/brainmask.nii.gz", "patient01", "brain"),
    ],
    "brats2013": [("brats_2013_pat0005_1/Flair_subtrMeanDivStd.nii.gz", "brats_2013_pat0005", "FLAIR")],
    "tcga_lgg": [
        ("TCGA-FG-6692/Other_t1c_bet.nii.gz", "TCGA-FG-6692", "T1ce"),
        ("TCGA-FG-6692/mav.nii.gz", "TCGA-FG-6692", "labels"),
        ("TCGA-DU-7294/TCGA-DU-7294_fla_bet.nii.gz", "TCGA-DU-7294", "FLAIR"),
        ("TCGA-DU-7294_2003.01.02/TCGA-DU-7294_2003.01.02_t1_bet.nii.gz", "TCGA-DU-7294", "T1"),
    ],
    "brats2018": [("HGG/Brats18_2013_2_1/Brats18_2013_2_1_t1ce.nii.gz", "Brats18_2013_2_1", "T1ce")],
    "brats2021": [("BraTS2021_00000/BraTS2021_00000_flair.nii.gz", "BraTS2021_00000", "FLAIR")],
    "brats2023": [("BraTS-GLI-00000-001/BraTS-GLI-00000-001-t2f.nii.gz", "BraTS-GLI-00000", "FLAIR")],
    "ixi": [
        ("IXI002-Guys-0828-T1.nii.gz", "IXI002", "T1"),
        ("IXI-T2/IXI012-HH-1211-T2.nii.gz", "IXI012", "T2"),
    ],
    "atlas_v2": [
        (
            "Training/R001/sub-r001s001/ses-1/anat/sub-r001s001_ses-1_space-MNI152NLin2009aSym_T1w.nii.gz",
            "r001s001",
            "T1",
        ),
        (
            "derivatives/ATLAS/sub-r001s001/ses-1/anat/"
            "sub-r001s001_ses-1_space-MNI152NLin2009aSym_label-L_desc-T1lesion_mask.nii.gz",
            "r001s001",
            "labels",
        ),
    ],
    "wmh2017": [
        (
            "test/Amsterdam/Philips_VU .PETMR_01./160/pre/FLAIR.nii.gz",
            "Amsterdam/Philips_VU .PETMR_01./160",
            "FLAIR",
        ),
        ("training/Utrecht/0/wmh.nii.gz", "Utrecht/0", "labels"),
    ],
    "autopet": [("PETCT_01140d52d8/08-13-2005-NA-PET/SUV.nii.gz", "PETCT_01140d52d8", "PET")],
}


@pytest.mark.parametrize("name", NAMES)
def test_names_of_the_provider_are_understood(name):
    layout = LAYOUTS[name]
    for path, subject, part in NAMES[name]:
        _, groups = layout.match(f"anywhere/{path}")
        assert (groups["subject"], layout.kinds[groups["kind"]]) == (subject, part)


@pytest.mark.parametrize(
    "name, path",
    [
        ("brats2023", "BraTS-GLI-00000-000/BraTS-GLI-00001-000-t2f.nii.gz"),
        ("brats2021", "BraTS2021_00000/BraTS2021_00000_t1n.nii.gz"),
        ("wmh2017", "training/Utrecht/0/orig/FLAIR.nii.gz"),
        ("ixi", "IXI002-Guys-0828-MRA.nii.gz"),
    ],
)
def test_names_of_something_else_are_passed_over(name, path):
    assert LAYOUTS[name].match(path) is None


def test_enhancing_tumour_is_4_until_2021_and_3_from_2023():
    old, new = np.array([0.0, 1, 2, 4]), np.array([0.0, 1, 2, 3])
    meaning = [LABELS[name] for name in ("background", "core", "oedema", "enhancing")]
    assert nifti.to_labels(old, LAYOUTS["brats2018"].names, "a").tolist() == meaning
    assert nifti.to_labels(old, LAYOUTS["brats2021"].names, "a").tolist() == meaning
    assert nifti.to_labels(new, LAYOUTS["brats2023"].names, "a").tolist() == meaning
    with pytest.raises(ScanError, match=r"a\.nii: label 3 .*another year"):
        nifti.to_labels(new, LAYOUTS["brats2021"].names, "a.nii")
    with pytest.raises(ScanError, match="label 4"):
        nifti.to_labels(old, LAYOUTS["brats2023"].names, "a.nii")


def test_brats_2013_has_necrosis_and_solid_core_apart():
    labels = nifti.to_labels(np.array([1.0, 3, 4]), LAYOUTS["brats2013"].names, "a")
    assert labels.tolist() == [LABELS["core"], LABELS["core"], LABELS["enhancing"]]


def test_label_2_of_wmh_is_not_scored():
    assert nifti.to_labels(np.array([1.0, 2]), LAYOUTS["wmh2017"].names, "a").tolist() == [2, LABELS["ignore"]]


def test_labels_between_whole_numbers_are_refused_but_rounding_errors_are_not():
    names = LAYOUTS["brats2018"].names
    assert nifti.to_labels(np.array([0, 3.9999998]), names, "a").tolist() == [0, LABELS["enhancing"]]
    with pytest.raises(ScanError, match=r"between whole numbers, such as 1\.5"):
        nifti.to_labels(np.array([0, 1.5]), names, "a")
    with pytest.raises(ScanError, match="label -1"):
        nifti.to_labels(np.array([0, -1.0]), names, "a")


def test_a_mask_of_0_99999997_is_a_mask():
    values = np.array([0, 0.9999999701976776, 1])
    assert (values == 1).sum() == values.astype(int).sum() == 1, "the trap: neither finds the second"
    assert nifti.to_mask(values, "a").tolist() == [False, True, True]
    assert nifti.to_mask(np.array([0, 255.0]), "a").tolist() == [False, True]
    for wrong, message in (
        (np.zeros(3), "empty"),
        (np.array([0, 0.4, 1]), "3 different"),
        (np.array([0, 2.0]), "0 and 1"),
    ):
        with pytest.raises(ScanError, match=f"a.nii.*{message}"):
            nifti.to_mask(wrong, "a.nii")


def test_every_set_is_in_the_catalogue_with_its_terms_and_whether_it_was_tried():
    assert {known["name"] for known in facts.FACTS} == set(LAYOUTS)
    tried = {name for name in LAYOUTS if datasets.entry(name).tried == "original files"}
    assert tried == {"ms_lesions", "brats2013", "tcga_lgg"}
    for name in LAYOUTS:
        known = datasets.entry(name)
        assert callable(datasets._function(known.loader)) and callable(datasets._function(known.check))
        assert known.licence and known.citation and known.how_to_get and known.folders[0] == name
        assert known.figures_allowed == (name != "tcga_lgg")
    assert readers.tcga_lgg.args == ("tcga_lgg",)
