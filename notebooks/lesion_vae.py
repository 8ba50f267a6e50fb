# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lung lesions in a latent space
#
# A radiologist describes a lung nodule in words: its size, how round it is, how sharp its border, whether it sends
# out spikes. Keel and colleagues {cite}`keel2023` asked whether a network that only learns to *redraw* nodules finds
# such words by itself. They trained two variational autoencoders on slices of CT, one with a Gaussian and one with a
# Dirichlet latent space, looked at what the latent numbers mean, and used them to tell malignant from benign. This
# chapter rebuilds both models and asks what their latent spaces hold. The next one,
# [](lesion_malignancy.ipynb), asks what they predict.
#
# :::{admonition} What is real here, and what could not be read
# :class: important
# **Outlines and ratings are real, grey values are simulated.** The shapes and the readers' opinions are those of the
# public LIDC-IDRI annotations {cite}`armato2011`; the Hounsfield units inside and around each outline are rendered by
# this package from those ratings. A model can therefore read a rating off the picture only as far as our renderer wrote
# it in. Real grey values are in {doc}`lesion_malignancy_patches`.
#
# Of the paper we could read the abstract, a summary and the released code; its printed tables we could not. Nothing
# below is called a reproduction.
# :::

# %% [markdown]
# ## Parameters
#
# Every number of this page follows from these. Change them with `disentangle run lesion_vae -p beta=4`, or in this cell.

# %% tags=["parameters"]
profile: str = "quick"  # smoke | quick | full | paper; how much work
seed: int = 0  # 0..1000000; seed of weights, batches and samples
data: str = "lidc"  # lidc | lidc_patches; the cohort, by name
device: str = "cpu"  # cpu | cuda | auto; where tensors live
steps: Optional[int] = None  # 1..100000; training steps, None: the profile's
beta: float = 1.0  # 0..1000; weight of the KL term of both models trained on this page
concentration: float = 0.95  # 0.01..100; concentration of the Dirichlet prior
latent_size: int = 32  # 2..1024; number of latent dimensions
