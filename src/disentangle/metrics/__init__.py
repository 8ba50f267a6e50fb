"""What is measured, one subject a file. Pure functions: numbers in, numbers out."""
