"""Readers of real brains: one contract for every set (``scan``), one preprocessing chain, cohorts of axial slices."""
