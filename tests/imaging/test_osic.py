"""OSIC's layout on synthetic files: time to a drop of capacity by hand, order of slices, refusal of broken files."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from disentangle.imaging.dicom import DicomError
from disentangle.imaging.osic import WEEKS_IN_YEAR, check, time_to_decline, visits
from disentangle.imaging.osic_scans import OsicError, acquisitions, scan

HEADER = "Patient,Weeks,FVC,Percent,Age,Sex,SmokingStatus\n"


def table(folder: Path, text: str, header: str = HEADER) -> Path:
    (folder / "train.csv").write_text(header + text)
    return folder


def person(name: str, measured: dict[int, float]) -> str:
    return "".join(f"{name},{week},{fvc},{fvc / 40},70,Male,Ex-smoker\n" for week, fvc in measured.items())


def declined(folder: Path, measured: dict[int, float], **options) -> pd.Series:
    return time_to_decline(visits(table(folder, person("a", measured))), **options).loc["a"]


# --- visits and time to a drop --------------------------------------------------------------------------------------


def test_first_visit_at_ninety_percent_of_baseline_is_the_event(tmp_path: Path):
    row = declined(tmp_path, {0: 3000, 10: 2800, 20: 2700, 30: 2900})
    assert row["event"] == 1 and row["time"] * WEEKS_IN_YEAR == pytest.approx(20)
    assert row["after"] * WEEKS_IN_YEAR == pytest.approx(10) and row["visits"] == 3
    assert declined(tmp_path, {0: 3000, 10: 2701})["event"] == 0
    assert declined(tmp_path, {0: 3000, 10: 2701}, drop=0.05)["event"] == 1


def test_without_a_drop_the_last_visit_censors(tmp_path: Path):
    row = declined(tmp_path, {0: 3000, 10: 2900, 52: 2800})
    assert row["event"] == 0 and row["time"] == row["after"] == pytest.approx(52 / WEEKS_IN_YEAR)


def test_midpoint_lies_between_the_two_visits(tmp_path: Path):
    row = declined(tmp_path, {0: 3000, 10: 2900, 20: 2000}, rule="midpoint")
    assert row["time"] * WEEKS_IN_YEAR == pytest.approx(15)
    first = declined(tmp_path, {0: 3000, 10: 2000}, rule="midpoint")
    assert first["time"] * WEEKS_IN_YEAR == pytest.approx(5) and first["after"] == 0


def test_baseline_is_the_visit_nearest_the_scan_and_earlier_ones_do_not_count(tmp_path: Path):
    row = declined(tmp_path, {-30: 4000, -4: 3000, 6: 2800, 16: 2600})
    assert row["fvc_ml"] == 3000 and row["time"] * WEEKS_IN_YEAR == pytest.approx(20) and row["event"] == 1


def test_two_measurements_in_a_week_are_averaged_and_rows_may_lie_in_any_order(tmp_path: Path):
    text = person("a", {20: 2600}) + person("a", {0: 3000}) + person("a", {20: 2700}) + person("b", {1: 2000, 9: 2000})
    read = visits(table(tmp_path, text))
    assert read[["subject", "week", "fvc_ml"]].values.tolist() == [
        ["a", 0, 3000],
        ["a", 20, 2650],
        ["b", 1, 2000],
        ["b", 9, 2000],
    ]


def test_people_without_a_later_visit_are_named_and_left_out(tmp_path: Path):
    text = person("a", {0: 3000, 10: 2900}) + person("b", {-9: 3000, 0: 2500})
    found = time_to_decline(visits(table(tmp_path, text)))
    assert list(found.index) == ["a"] and found.attrs["without_follow_up"] == ["b"]
    assert (found["time"] > 0).all()
    with pytest.raises(OsicError, match="none of 1 people"):
        time_to_decline(visits(table(tmp_path, person("b", {0: 2500}))))


def test_byte_order_mark_spaces_and_small_letters_are_taken(tmp_path: Path):
    (tmp_path / "train.csv").write_text(
        "\ufeffpatient, Weeks, FVC, Percent, Age, Sex, SmokingStatus\na , 0, 3000, 75, 70, male , Never smoked\n",
        encoding="utf-8",
    )
    row = visits(tmp_path).iloc[0]
    assert row["subject"] == "a" and row["male"] == 1 and row["fvc_pct"] == 75


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,0,3.1,80,70,Male,Ex-smoker\n", r"row 2: FVC of a is 3.1, expected millilitres"),
        (person("a", {0: 3000}) + "a,x,3000,80,70,Male,Ex-smoker\n", "row 3: Weeks of a is 'x', expected a number"),
        ("a,0,,80,70,Male,Ex-smoker\n", "row 2: FVC of a is 'nan'"),
        ("a,0,3000,80,70,Diverse,Ex-smoker\n", "row 2: Sex is 'Diverse'"),
        (person("a", {0: 3000}) + "a,5,3000,80,70,Female,Ex-smoker\n", "a is Male in one row and Female"),
        ("a,0,3000,80,70,Male,pipe\n", r"SmokingStatus holds \['pipe'\]"),
        (",0,3000,80,70,Male,Ex-smoker\n", "row 2 has no Patient"),
        ("", "has no visit"),
    ],
)
def test_a_broken_table_is_refused_with_its_row(tmp_path: Path, text: str, message: str):
    with pytest.raises(OsicError, match=message) as refused:
        visits(table(tmp_path, text))
    assert "train.csv" in str(refused.value)


def test_a_folder_without_the_table_or_with_another_one_is_refused(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(OsicError, match=r"no train.csv, found \['notes.txt'\]"):
        visits(tmp_path)
    with pytest.raises(OsicError, match=r"lacks the columns \['FVC'"):
        visits(table(tmp_path, "a,1\n", header="Patient,Weeks\n"))
    (tmp_path / "train.csv").write_text("")
    with pytest.raises(OsicError, match="not a readable CSV"):
        visits(tmp_path)
    with pytest.raises(ValueError, match="rule is 'last'"):
        time_to_decline(pd.DataFrame(), rule="last")


# --- scans ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def release(tmp_path: Path, write_slice) -> Path:
    """Two people; file numbers of the first do not tell the order and slices are missing."""
    table(tmp_path, person("a", {0: 3000, 10: 2000}) + person("b", {0: 3000, 10: 2900}))
    for number, z in enumerate((8, 0, 40, 4)):
        header = {
            "Manufacturer": "SIEMENS",
            "ConvolutionKernel": ["B70f", "3"],
            "KVP": 120,
            "InstanceNumber": 9 - number,
        }
        write_slice(tmp_path / "train" / "a", z, f"{number + 1}.dcm", **header)
    for number in range(3):
        header = {"ImagePositionPatient": None, "InstanceNumber": 3 - number, "hu": picture(10 * number)}
        write_slice(tmp_path / "train" / "b", number, f"{number + 1}.dcm", **header)
    return tmp_path


def picture(tissue: float) -> np.ndarray:
    hu = np.full((16, 16), -900.0)
    hu[4:12, 4:12] = tissue
    hu[0, 0] = -3000  # padding
    return hu


def test_slices_come_in_order_of_position_and_gaps_are_accepted(release: Path):
    volume = scan(release, "a")
    assert list(volume.z_mm) == [0, 4, 8, 40] and list(volume.hu[:, 8, 8]) == [40, 44, 48, 80]


def test_slices_without_position_come_in_order_of_their_number(release: Path):
    volume = scan(release, "b")
    assert list(volume.hu[:, 8, 8]) == [20, 10, 0] and list(volume.z_mm) == [0, 2.5, 5]
    assert (volume.hu[:, 0, 0] == -1024).all() and volume.spacing_mm == (0.7, 0.7)


def test_without_position_and_number_or_with_a_number_twice_there_is_no_order(release: Path, write_slice):
    folder = release / "train" / "b"
    write_slice(folder, 0, "4.dcm", ImagePositionPatient=None, InstanceNumber=2)
    with pytest.raises(DicomError, match="InstanceNumber occurs twice"):
        scan(release, "b")
    write_slice(folder, 0, "4.dcm", ImagePositionPatient=None)
    with pytest.raises(DicomError, match="4.dcm: lacks ImagePositionPatient and InstanceNumber"):
        scan(release, "b")


def test_a_cut_file_and_an_absent_person_are_named(release: Path):
    file = release / "train" / "a" / "2.dcm"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(DicomError, match="2.dcm: pixels cannot be read"):
        scan(release, "a")
    with pytest.raises(OsicError, match="no folder for c"):
        scan(release, "c")


@pytest.mark.filterwarnings("ignore:End of file reached")
def test_headers_tell_scanner_and_kernel_and_a_bad_folder_its_problem(release: Path):
    (release / "train" / "c").mkdir()
    (release / "train" / "d").mkdir()
    (release / "train" / "d" / "1.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 40)
    found = acquisitions(release)
    first = found.loc["a"]
    assert (first["manufacturer"], first["kernel"], first["kv"], first["slices"]) == ("SIEMENS", "B70f/3", 120, 4)
    assert found.loc["b", "manufacturer"] == "" and np.isnan(found.loc["b", "kv"])
    assert found["problem"].ne("").tolist() == [False, False, True, True]
    assert "no CT slice" in found.loc["c", "problem"]
    lines, problems = check(release)
    assert ("people", "2", "176 in the public release") in lines and len(problems) == 2


def test_check_tells_who_has_no_scan_and_what_is_no_release(release: Path):
    table(release, person("a", {0: 3000}) + person("z", {0: 3000}))
    assert any("1 people of train.csv have no folder of images, such as z" in line for line in check(release)[1])
    assert check(release / "train")[1][0].endswith("no train.csv, found ['a', 'b']")
