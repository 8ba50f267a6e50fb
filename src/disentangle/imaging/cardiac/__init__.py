"""Cine cardiac MR: readers of ACDC and Sunnybrook, label names, windows around the heart, ejection fraction."""
