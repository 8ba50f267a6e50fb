"""Anatomy and modality factors of cardiac images: SDNet (Chartsias et al., Medical Image Analysis 2019)."""
