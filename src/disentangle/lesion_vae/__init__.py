"""Gaussian and Dirichlet variational autoencoders of lung lesions (Keel et al., BMVC 2023)."""
