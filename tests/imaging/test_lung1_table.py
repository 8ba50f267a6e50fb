"""The survival table of Lung1: the original file where it is there, and broken copies of a small one."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from disentangle.imaging.datasets import DataAbsent
from disentangle.imaging.lung1_table import CLINICAL, SIGNATURE, TableError, features, load

ROWS = pd.DataFrame(
    {
        "PatientID": ["LUNG1-001", "LUNG1-002"],
        "age": [78.75, np.nan],
        "clinical.T.Stage": [2, 1],
        "Clinical.N.Stage": [3, 0],
        "Clinical.M.Stage": [0, 0],
        "Overall.Stage": ["IIIb", "I"],
        "Histology": ["large cell", np.nan],
        "gender": ["male", "female"],
        "Survival.time": [2165, 155],
        "deadstatus.event": [1, 0],
        "original_shape_Sphericity": [0.6, np.nan],
    }
)


def written(folder: Path, **changes) -> Path:
    file = folder / "table.csv"
    ROWS.assign(**changes).to_csv(file, index=False)
    return file


def test_a_row_becomes_years_and_codes_and_what_is_unknown_stays_unknown(tmp_path: Path):
    table = load(written(tmp_path))
    first = table.loc["LUNG1-001"]
    assert first["time"] == pytest.approx(2165 / 365.25) and first["event"] == 1
    assert first[list(CLINICAL)].tolist() == [78.75, 1, 2, 3, 4]
    second = table.loc["LUNG1-002"]
    assert np.isnan(second["age"]) and second["male"] == 0 and second["stage"] == 1
    assert features(table) == ["original_shape_Sphericity"] and len(table.attrs["sha256"]) == 64


def test_the_table_of_the_provider_has_no_radiomics_and_is_read_as_well(tmp_path: Path):
    file = tmp_path / "clinical.csv"
    ROWS.drop(columns="original_shape_Sphericity").to_csv(file, index=False)
    assert len(load(file)) == 2 and features(load(file)) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Survival.time": [0, 5]}, "Survival.time of LUNG1-001 is 0 days"),
        ({"Survival.time": [np.nan, 5]}, "Survival.time of LUNG1-001 is nan days"),
        ({"deadstatus.event": [1, 2]}, "deadstatus.event holds"),
        ({"PatientID": ["LUNG1-001"] * 2}, "LUNG1-001 has more than one row"),
        ({"gender": ["male", "x"]}, r"'male' holds \['x'\]"),
        ({"Overall.Stage": ["IIIb", "V"]}, r"'stage' holds \['v'\]"),
        ({"age": ["old", "70"]}, "'age' is 'old' for LUNG1-001, expected a number"),
    ],
)
def test_a_broken_table_is_refused_with_file_column_and_person(tmp_path: Path, changes: dict, message: str):
    with pytest.raises(TableError, match=message) as refused:
        load(written(tmp_path, **changes))
    assert "table.csv" in str(refused.value)


def test_other_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(TableError, match="not a readable CSV"):
        load(tmp_path / "empty.csv")
    with pytest.raises(TableError, match="lacks the columns"):
        load(tmp_path / "other.csv")
    with pytest.raises(DataAbsent, match="Cancer Imaging Archive"):
        load(tmp_path / "absent.csv")
    monkeypatch.delenv("DISENTANGLE_DATA", raising=False)
    with pytest.raises(DataAbsent, match="not set"):
        load()


def test_the_original_file_has_289_people_254_deaths_and_99_with_radiomics(shared_data: Path):
    table = load(shared_data / "lung1" / "clinical_radiomics.csv")
    assert len(table) == 289 and table["event"].sum() == 254
    assert len(features(table)) == 100 and table[features(table)].dropna().shape[0] == 99
    assert table["age"].isna().sum() == 14 and set(SIGNATURE) <= set(table)
    assert 0 < table["time"].min() and table["time"].max() < 13


def test_a_column_in_which_nothing_is_known_is_unknown(tmp_path: Path):
    table = load(written(tmp_path, gender=[np.nan, np.nan], **{"Overall.Stage": [np.nan, np.nan]}))
    assert table["male"].isna().all() and table["stage"].isna().all()
