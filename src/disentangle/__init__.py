"""Disentangled representations in medical imaging: five papers, told by notebooks that run."""

__version__ = "0.1.0"
