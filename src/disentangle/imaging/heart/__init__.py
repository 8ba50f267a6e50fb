"""The cohort ``heart_phantom``: simulated short-axis hearts, their labels, and their look in MR and CT."""
