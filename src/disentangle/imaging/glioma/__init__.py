"""The cohorts ``brain`` and ``pet_ct``: volumes of simulated heads with gliomas, in MR and in FDG-PET and CT."""
