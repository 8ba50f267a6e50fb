"""The cohort ``lung_phantom``: textures of seven lung tissues under CT acquisition settings, and survival."""
