"""One person, many modalities: a personal invariant of 3D images (PUIR; Tan et al., ICCV 2025)."""
