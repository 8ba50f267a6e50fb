"""CT series from DICOM: right values in the right order, and a clear refusal of every broken folder."""

from pathlib import Path

import numpy as np
import pydicom
import pytest

from disentangle.imaging.dicom import AIR_HU, DicomError, list_series, read_ct

SERIES = "1.2.826.0.1.3680043.8.498.1"


@pytest.fixture
def series(tmp_path: Path, write_slice) -> Path:
    """Six slices at 0, 4, ... 20 mm whose file names do not tell their order."""
    for number, z in enumerate((8, 0, 20, 4, 16, 12)):
        write_slice(tmp_path / "scan", z, f"1-{number:03}.dcm")
    return tmp_path / "scan"


def test_slices_are_sorted_by_position_and_values_are_hounsfield_units(series: Path):
    volume = read_ct(series)
    assert list(volume.z_mm) == [0, 4, 8, 12, 16, 20]
    assert list(volume.hu[:, 8, 8]) == [40, 44, 48, 52, 56, 60]
    assert volume.spacing_mm == (0.7, 0.7) and volume.patient == "P1" and volume.series_uid == SERIES


def test_padding_becomes_air(series: Path):
    assert (read_ct(series).hu[:, 0, 0] == AIR_HU).all()


def test_position_counts_along_the_normal_of_the_slices(tmp_path: Path, write_slice):
    for y in (6, 0, 3):
        changes = {"ImagePositionPatient": [0, y, 5], "ImageOrientationPatient": [1, 0, 0, 0, 0, -1]}
        write_slice(tmp_path, y, **changes)
    assert list(read_ct(tmp_path).z_mm) == [0, 3, 6]


def test_other_files_among_the_slices_are_passed_over(series: Path, write_slice):
    write_slice(series, 4, "structures.dcm", Modality="RTSTRUCT")
    write_slice(series, 8, "scout.dcm", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    (series / "annotation.xml").write_text("<LidcReadMessage/>")
    assert len(read_ct(series).hu) == 6


def test_one_of_two_series_is_chosen_by_uid(series: Path, write_slice):
    write_slice(series, 2, "other.dcm", SeriesInstanceUID="1.2.3")
    assert {uid: len(files) for uid, files in list_series(series).items()} == {SERIES: 6, "1.2.3": 1}
    assert len(read_ct(series, SERIES).hu) == 6
    with pytest.raises(DicomError, match="2 CT series"):
        read_ct(series)
    with pytest.raises(DicomError, match="no CT series 9.9"):
        read_ct(series, "9.9")


def test_only_the_wanted_positions_are_read(series: Path):
    volume = read_ct(series, at_mm=[16, 4.05])
    assert list(volume.z_mm) == [4, 16] and list(volume.hu[:, 8, 8]) == [44, 56]
    with pytest.raises(DicomError, match="no slice at 6.00 mm"):
        read_ct(series, at_mm=[6])


def test_a_missing_slice_is_reported_with_its_neighbours(series: Path):
    next(p for p in series.iterdir() if pydicom.dcmread(p).ImagePositionPatient[2] == 12).unlink()
    with pytest.raises(DicomError) as caught:
        read_ct(series)
    message = str(caught.value)
    assert str(series) in message and "between 8.00 and 16.00 mm" in message and "every 4.00 mm" in message
    assert len(read_ct(series, allow_gaps=True).hu) == 5


def test_slices_missing_everywhere_are_noticed_by_the_thickness(tmp_path: Path, write_slice):
    for z in (0, 18, 36):
        write_slice(tmp_path, z, SliceThickness=3)
    with pytest.raises(DicomError, match="about 10 slices are missing"):
        read_ct(tmp_path)


def test_overlapping_slices_are_no_error(tmp_path: Path, write_slice):
    for z in (0, 1, 2):
        write_slice(tmp_path, z, SliceThickness=2.5)
    assert len(read_ct(tmp_path).hu) == 3


def test_two_slices_at_one_position_are_refused(series: Path, write_slice):
    write_slice(series, 12, "copy.dcm")
    with pytest.raises(DicomError, match="copy.dcm both lie at 12.00 mm"):
        read_ct(series)


def test_of_two_slices_at_one_position_the_smaller_number_can_be_kept(tmp_path: Path, write_slice):
    for number, (z, value) in enumerate([(0, 10), (2, 20), (2, 30), (4, 40)]):
        write_slice(
            tmp_path,
            z,
            f"{9 - number}.dcm",
            InstanceNumber=number,
            hu=np.pad(np.full((8, 8), float(value)), 4, constant_values=-900.0),
        )
    assert list(read_ct(tmp_path, allow_duplicates=True).hu[:, 8, 8]) == [10, 20, 40]


def test_an_image_without_modality_is_refused(series: Path, write_slice):
    write_slice(series, 24, "nameless.dcm", Modality=None)
    with pytest.raises(DicomError, match="nameless.dcm: an image without Modality"):
        read_ct(series)


@pytest.mark.parametrize("element", ["RescaleSlope", "RescaleIntercept"])
def test_a_missing_rescale_is_refused(series: Path, element: str, write_slice):
    write_slice(series, 24, "raw.dcm", **{element: None})
    with pytest.raises(DicomError, match="raw.dcm: no RescaleSlope or RescaleIntercept"):
        read_ct(series)


@pytest.mark.parametrize(("slope", "intercept"), [(2, 0), (2, -2048), (20, -1024), (0.01, -1024), (-2, 0)])
def test_a_wrong_rescale_is_refused(tmp_path: Path, slope: float, intercept: float, write_slice):
    for z in (0, 2, 4):
        write_slice(tmp_path, z, RescaleSlope=slope, RescaleIntercept=intercept)
    with pytest.raises(DicomError, match="seems wrong|rescale is wrong"):
        read_ct(tmp_path)


def test_slices_of_another_grid_are_refused(series: Path, write_slice):
    write_slice(series, 24, "wide.dcm", PixelSpacing=[0.9, 0.9])
    with pytest.raises(DicomError, match="wide.dcm has .*0.9"):
        read_ct(series)


def test_a_slice_without_position_is_refused(series: Path, write_slice):
    write_slice(series, 24, "lost.dcm", ImagePositionPatient=None)
    with pytest.raises(DicomError, match="lost.dcm: lacks ImagePositionPatient"):
        read_ct(series)


def test_a_cut_file_is_refused(series: Path):
    path = series / "1-002.dcm"
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DicomError, match="1-002.dcm: pixels cannot be read"):
        read_ct(series)


def test_a_folder_without_ct_says_what_is_there(tmp_path: Path, write_slice):
    write_slice(tmp_path, 0, Modality="DX")
    with pytest.raises(DicomError, match="no CT slice, found 1 DX"):
        read_ct(tmp_path)
    with pytest.raises(DicomError, match="not a folder"):
        read_ct(tmp_path / "nowhere")


@pytest.mark.needs_data
def test_a_real_chest_ct_with_every_sixth_slice_is_refused_and_read_on_demand(shared_data: Path):
    folder = shared_data / "lung1" / "LUNG1-001"
    with pytest.raises(DicomError, match="expected one every 3.00 mm"):
        read_ct(folder)
    volume = read_ct(folder, allow_gaps=True)
    assert volume.hu.shape[1:] == (512, 512) and len(volume.hu) == len(list(folder.glob("*.dcm"))) - 1
    assert np.all(np.diff(volume.z_mm) > 0)
    lung = ((volume.hu > -950) & (volume.hu < -600)).mean()
    assert volume.hu.min() >= AIR_HU and 0.05 < lung < 0.4
