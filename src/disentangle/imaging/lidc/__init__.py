"""LIDC-IDRI lung lesions: real outlines and ratings of up to four readers, and readers of the images."""
