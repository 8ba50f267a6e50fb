"""A run: parameters, execution, record, cells, claims. Knows nothing of imaging."""
