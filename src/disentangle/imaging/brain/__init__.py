"""The cohort ``brain_sites``: simulated heads on the ICBM152 template, scanned at six sites, with lesions and twins."""
