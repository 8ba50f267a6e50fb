"""What a whole brain costs stays within what the chapter promises."""

import pytest

from disentangle.puir.costs import whole_brain

LIMIT_MIB = 2048


@pytest.mark.slow
def test_a_whole_brain_of_1_mm_fits_into_two_gibibytes():
    found = whole_brain(1)
    assert found["mib"] < LIMIT_MIB and found["modalities"] == 4
