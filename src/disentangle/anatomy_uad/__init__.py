"""Brain anomalies from disentangled anatomy and its edges, after Yang et al., Medical Image Analysis 109, 2026.

The paper's text was not readable: this follows its abstract and a summary. Layers, losses and schedule are ours.
"""
