"""How the files of each set are named, what its labels mean, and whether its reader met original files.

Label maps differ: BraTS marks enhancing tumour 4 until 2021 and 3 from 2023 on; BraTS 2013 has necrosis 1 and
non-enhancing tumour 3 apart, later years join them in 1; WMH 2017 has 2 for other pathology, which is not scored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

ORIGINALS, DOCUMENTATION = "original files", "built from documentation"
_END = r"\.nii(?:\.gz)?$"
_BRAIN, _LABELS = "brain", "labels"


@dataclass(frozen=True)
class Layout:
    """Names and meanings of one set.

    Attributes
    ----------
    patterns : regular expressions over the path below the folder
        Groups ``subject`` and ``kind``, optionally ``visit`` and facts (``site``, ``group``). Where two patterns find
        the same part of a scan the earlier one counts.
    kinds : what ``kind`` says -> modality, "brain" or "labels"
    names : number in the label file -> name of ``LABELS``
    brain : "file", "nonzero" (skull was stripped), "template" (lies in MNI space) or "none"
        Where the brain mask comes from when there is no file; "file" refuses a scan without one.
    align : "refuse" or "header"
        What to do with a part on another grid: refuse it, or resample it by the headers onto the first modality's.
    field_mm : float
        Side of the square that a section shows by default.
    """

    name: str
    patterns: tuple[str, ...]
    kinds: dict[str, str]
    names: dict[int, str] = field(default_factory=dict)
    brain: str = "nonzero"
    align: str = "refuse"
    tried: str = DOCUMENTATION
    field_mm: float = 200.0
    table: str = ""

    @property
    def modalities(self) -> tuple[str, ...]:
        """Modalities that the set can have, each once, in the order of the table."""
        return tuple(dict.fromkeys(kind for kind in self.kinds.values() if kind not in (_BRAIN, _LABELS)))

    def match(self, path: str) -> tuple[int, dict[str, str]] | None:
        """Number of the pattern that names a path (posix, below the folder), and its groups."""
        for number, pattern in enumerate(self.patterns):
            if found := re.search(rf"(?:^|/){pattern}", path):
                return number, {key: value for key, value in found.groupdict().items() if value is not None}
        return None


_UNTIL_2021 = {1: "core", 2: "oedema", 4: "enhancing"}
_FROM_2023 = {1: "core", 2: "oedema", 3: "enhancing"}
_BRATS = {"t1": "T1", "t1ce": "T1ce", "t2": "T2", "flair": "FLAIR", "seg": _LABELS}
_MSLUB = r"(?P<kind>T1W|T1WKS|T2W|FLAIR|brainmask|consensus_gt)" + _END

_ALL = (
    Layout(
        name="ms_lesions",
        patterns=(r"(?P<subject>patient\d+)/(?P<kind>T1|T1POST|T2|FLAIR|GOLD_STANDARD)_N4_\w*regtoMNI" + _END,),
        kinds={"T1": "T1", "T1POST": "T1ce", "T2": "T2", "FLAIR": "FLAIR", "GOLD_STANDARD": _LABELS},
        names={1: "lesion"},
        tried=ORIGINALS,
        table="patient_info.csv",
    ),
    Layout(
        name="mslub",
        patterns=(
            r"(?P<subject>patient\d+)/(?P=subject)_" + _MSLUB,
            r"(?P<subject>patient\d+)/raw/(?P=subject)_" + _MSLUB,
            r"(?P<subject>patient\d+)/" + _MSLUB,
        ),
        kinds={
            "FLAIR": "FLAIR",
            "T1W": "T1",
            "T1WKS": "T1ce",
            "T2W": "T2",
            "brainmask": _BRAIN,
            "consensus_gt": _LABELS,
        },
        names={1: "lesion"},
        brain="file",
        table="patient_info.csv",
    ),
    Layout(
        name="brats2013",
        patterns=(
            r"(?P<subject>brats_2013_pat\d+)_(?P<visit>\d+)/(?P<kind>(?:Flair|T1c|T1|T2)_subtrMeanDivStd|OTMultiClass"
            r"|brainmask)" + _END,
        ),
        kinds={
            "T1_subtrMeanDivStd": "T1",
            "T1c_subtrMeanDivStd": "T1ce",
            "T2_subtrMeanDivStd": "T2",
            "Flair_subtrMeanDivStd": "FLAIR",
            "brainmask": _BRAIN,
            "OTMultiClass": _LABELS,
        },
        names={1: "core", 2: "oedema", 3: "core", 4: "enhancing"},
        brain="file",
        tried=ORIGINALS,
    ),
    Layout(
        name="tcga_lgg",
        patterns=(
            r"(?P<subject>TCGA-\w\w-\w{4})[^/]*/(?:[\w.-]+_)?(?P<kind>t1_bet|t1c_bet|t2_bet|fla_bet|mav)" + _END,
        ),
        kinds={"t1_bet": "T1", "t1c_bet": "T1ce", "t2_bet": "T2", "fla_bet": "FLAIR", "mav": _LABELS},
        names=_UNTIL_2021,
        tried=ORIGINALS,
    ),
    Layout(
        name="brats2018",
        patterns=(
            r"(?:(?P<group>HGG|LGG)/)?(?P<subject>Brats18_\w+)/(?P=subject)_(?P<kind>t1|t1ce|t2|flair|seg)" + _END,
        ),
        kinds=_BRATS,
        names=_UNTIL_2021,
    ),
    Layout(
        name="brats2021",
        patterns=(r"(?P<subject>BraTS2021_\d+)/(?P=subject)_(?P<kind>t1|t1ce|t2|flair|seg)" + _END,),
        kinds=_BRATS,
        names=_UNTIL_2021,
    ),
    Layout(
        name="brats2023",
        patterns=(
            r"(?P<subject>BraTS-GLI-\d{5})-(?P<visit>\d{3})/(?P=subject)-(?P=visit)-(?P<kind>t1n|t1c|t2w|t2f|seg)"
            + _END,
        ),
        kinds={"t1n": "T1", "t1c": "T1ce", "t2w": "T2", "t2f": "FLAIR", "seg": _LABELS},
        names=_FROM_2023,
    ),
    Layout(
        name="ixi",
        patterns=(r"(?P<subject>IXI\d+)-(?P<site>Guys|HH|IOP)-\d+-(?P<kind>T1|T2|PD|brainmask)" + _END,),
        kinds={"T1": "T1", "T2": "T2", "PD": "PD", "brainmask": _BRAIN},
        brain="file",
        align="header",
    ),
    Layout(
        name="atlas_v2",
        patterns=(
            r"sub-(?P<subject>(?P<site>r\d+)s\d+)/ses-(?P<visit>\w+)/anat/sub-(?P=subject)_ses-(?P=visit)"
            r"_space-MNI152NLin2009aSym_(?P<kind>T1w|label-L_desc-T1lesion_mask|desc-brain_mask)" + _END,
        ),
        kinds={"T1w": "T1", "label-L_desc-T1lesion_mask": _LABELS, "desc-brain_mask": _BRAIN},
        names={1: "lesion"},
        brain="template",
    ),
    Layout(
        name="wmh2017",
        patterns=(
            r"(?P<subject>(?P<site>Utrecht|Singapore|Amsterdam/(?:GE3T|GE1T5|Philips_VU \.PETMR_01\.))/\d+)"
            r"/(?P<kind>pre/FLAIR|pre/T1|wmh|brainmask)" + _END,
        ),
        kinds={"pre/FLAIR": "FLAIR", "pre/T1": "T1", "brainmask": _BRAIN, "wmh": _LABELS},
        names={1: "lesion", 2: "ignore"},
        brain="file",
    ),
    Layout(
        name="autopet",
        patterns=(r"(?P<subject>PETCT_[^/]+)/(?P<visit>[^/]+)/(?P<kind>SUV|CTres|SEG)" + _END,),
        kinds={"SUV": "PET", "CTres": "CT", "SEG": _LABELS},
        names={1: "lesion"},
        brain="none",
        field_mm=512.0,
    ),
    Layout(
        name="dicom_brains",
        patterns=(),  # folders of series, not files: see dicom_series
        kinds={modality: modality for modality in ("T1", "T1ce", "T2", "FLAIR", "PD", "CT", "PET")},
        names={1: "lesion"},
        brain="file",
    ),
)

LAYOUTS: dict[str, Layout] = {layout.name: layout for layout in _ALL}
