"""INLP: a linear classifier of the setting is fitted and its directions removed, again and again.

Ravfogel et al. 2020 (ACL, arXiv 2004.07667), algorithm 1, with multinomial logistic regression.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score

from disentangle.rotation.harmonizers.base import LinearMap, symmetric_power

HELD_OUT = 5  # one row in five judges whether another round is needed


class Inlp(LinearMap):
    """Iterative null space projection; each round costs up to settings - 1 latents.

    After ``fit``: ``directions_`` (removed, latent), orthonormal; ``accuracy_``, the balanced accuracy on held-out
    rows that the classifier of each round had, the last one (where not cut short) that of chance.

    Parameters
    ----------
    rounds : int
        At most so many; the original goes on until nothing is found, which can take all tissue along.
    margin : float
        Rounds end when balanced accuracy on held-out rows is at most chance plus this.
    seed : int
        Chooses the held-out fifth: of locations where given, so that no tissue is on both sides, else of rows.
    """

    name = "inlp"

    def __init__(self, rounds: int = 4, margin: float = 0.05, seed: int = 0):
        self.rounds = rounds
        self.margin = margin
        self.seed = seed

    def fit(self, latents: np.ndarray, setting: np.ndarray, location: np.ndarray | None = None) -> Self:
        """Fit on latents (row, latent) and setting (row,); ``location`` (row,) only keeps the held-out fifth apart."""
        rows, codes, settings = self._training(latents, setting, rows=HELD_OUT)
        self.mean_ = rows.mean(axis=0)
        rows = rows - self.mean_
        judge = _held_out(codes, location, self.seed)
        removed, self.accuracy_ = np.empty((0, rows.shape[1])), []
        for _ in range(self.rounds):
            left = rows - rows @ removed.T @ removed
            found, accuracy = _round(left, codes, judge)
            self.accuracy_.append(accuracy)
            exhausted = len(removed) + len(found) >= rows.shape[1]
            if accuracy <= 1 / len(settings) + self.margin or exhausted:
                break
            removed = np.linalg.qr(np.vstack([removed, found]).T)[0].T
        self.directions_ = removed
        self.matrix_ = np.eye(rows.shape[1]) - removed.T @ removed
        return self


def _round(rows: np.ndarray, codes: np.ndarray, judge: np.ndarray) -> tuple[np.ndarray, float]:
    """Orthonormal directions (removed, latent) that a classifier looks along, and its held-out balanced accuracy."""
    fitted = rows[~judge]
    # In whitened coordinates the solver needs ten steps, not hundreds; the hardly penalised solution is the same.
    whiten = symmetric_power(fitted.T @ fitted / len(fitted), -0.5)
    model = LogisticRegression(max_iter=200).fit(fitted @ whiten, codes[~judge])
    accuracy = balanced_accuracy_score(codes[judge], model.predict(rows[judge] @ whiten))
    weights = (model.coef_ - (model.coef_.mean(axis=0) if len(model.coef_) > 1 else 0)) @ whiten
    _, values, directions = np.linalg.svd(weights, full_matrices=False)
    return directions[values > 1e-8 * max(values[0], np.finfo(float).tiny)], float(accuracy)


def _held_out(codes: np.ndarray, location: np.ndarray | None, seed: int) -> np.ndarray:
    """Mask (row,) of about a fifth, by locations or, without them, by rows of each setting."""
    rng = np.random.default_rng(seed)
    judge = np.zeros(len(codes), bool)
    if location is not None:
        places = np.unique(np.asarray(location), return_inverse=True)[1].ravel()
        judge = (rng.permutation(places.max() + 1) % HELD_OUT == 0)[places]
    if all(0 < judge[codes == code].sum() < (codes == code).sum() for code in np.unique(codes)):
        return judge
    judge[:] = False
    for code in np.unique(codes):
        judge[rng.permutation(np.flatnonzero(codes == code))[::HELD_OUT]] = True
    return judge
