"""Where images come from: simulated cohorts, and readers of real data sets."""
