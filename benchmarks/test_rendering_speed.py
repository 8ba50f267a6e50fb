"""Speed of the simulated grey values: at least 500 regions of interest a second on one core."""

import pytest
import torch

from disentangle.imaging.lidc import cohort as lidc
from disentangle.imaging.lidc import roi
from disentangle.imaging.lidc.render import render
from disentangle.imaging.lidc.selection import select
from disentangle.imaging.lidc.table import read_lesions


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def lesions():
    return select(read_lesions())[::6]


def test_rendering_slices(benchmark, one_thread, lesions):
    regions = [roi.regions(lesion, 0.7) for lesion in lesions]
    looks = lidc.looks_for(lesions, "full", 0)
    slices = lidc.to_slices(regions, lidc.slice_table(lesions, regions, 0.7), looks)
    benchmark.extra_info["slices"] = len(slices)
    benchmark(render, slices, 0)
    assert len(slices) / benchmark.stats["min"] > 500


def test_cutting_regions_of_interest(benchmark, one_thread, lesions):
    benchmark(lambda: [roi.regions(lesion, 0.7) for lesion in lesions])
