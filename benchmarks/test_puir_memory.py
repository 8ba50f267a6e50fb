"""All contrasts of a whole brain at 1 mm by sliding windows, on a CPU: within 2 GiB, Python and torch included."""

import pytest

from disentangle.puir.costs import step_seconds, whole_brain

LIMIT_MIB = 2048


@pytest.mark.parametrize("voxel_mm", [2, 1])
def test_a_whole_brain_fits_into_two_gibibytes(benchmark, voxel_mm):
    found = benchmark.pedantic(whole_brain, args=(voxel_mm,), rounds=1)
    benchmark.extra_info.update(found)
    assert found["mib"] < LIMIT_MIB and found["modalities"] == 4


@pytest.mark.parametrize("method", ["puir", "matched", "unet"])
def test_a_training_step_of_four_people(benchmark, method):
    seconds = benchmark.pedantic(step_seconds, args=(method, 32), rounds=1)
    benchmark.extra_info["cpu_seconds_a_step"] = seconds
    assert seconds < 2
