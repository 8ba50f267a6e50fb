"""The cohort ``lung_ct``: patches of real lungs, as scanned and degraded to other acquisition settings."""
