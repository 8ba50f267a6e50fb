"""Latent rotation: a linear classifier of paired differences, its SVD, and a rotation into technical and biological.

Pan et al., AMAI 2025, of which the abstract and two sentences about the method could be read: a linear classifier
predicts technical differences from paired latents, an SVD identifies technical variation, which is removed. All else
here is our reading (digest sections 3 and 9).
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import ClassVar, Literal, Self

import numpy as np
import pandas as pd
from scipy.linalg import null_space, subspace_angles
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from disentangle.rotation.differences import checked_latents, warn_if_unshared
from disentangle.rotation.directions import Factors, Problem, Training, curve, directions, problem_of, training_rows
from disentangle.runs.files import write_atomically

Mode = Literal["pairs", "heads", "single"]

PROBE_TOLERANCE = 0.05
"""How far above chance a linear probe for the setting may stay before another round is tried."""
_CHUNK = 65_536


class LatentRotation(BaseEstimator):
    """Rotates latents so that the first ``dropped_`` coordinates are technical and the others biological.

    Parameters
    ----------
    l2 : float
        Strength of the penalty, in units of the largest variance of what is classified. Strong on purpose: a weak
        penalty turns the weights away from the shift itself, towards what separates best (digest 9.1).
    mode : "pairs" | "heads" | "single"
        What is classified: which ordered pair of settings a difference comes from; whether each factor of the
        settings fell, stayed or rose; or, without pairs, the setting of a single latent.
    energy : float
        Share of the squared singular values that the dropped directions must hold at most.
    max_rounds : int
        Further rounds classify what the former ones left, while a linear probe still reads the setting.
    dropped : int or None
        A fixed number of dropped dimensions; None chooses it (see `fit`).
    seed : int
        Decides which quarter of the people (or locations) is held out while the number is chosen.

    Attributes
    ----------
    rotation_ : (dimension, dimension), orthogonal, determinant +1; rows are axes, technical ones first, biological
        ones by falling variance
    mean_ : (dimension,)
    singular_values_ : of the first classifier's weights
    dropped_ : int
    curve_ : DataFrame, one row a round and number of dropped dimensions, all on held-out rows: ``energy``,
        ``pair_accuracy`` (the classifier refitted on what is left), ``limit`` (what luck explains of it),
        ``setting_accuracy`` (linear probe), ``same_location`` (label-free biology), ``kept`` (share of variance)
    technical_means_ : DataFrame (setting, technical coordinate)
    shift_angle_ : degrees between the technical axes and the differences of the settings' means; NaN if none dropped
    unshared_ : see `differences.unshared`; NaN without pairs
    """

    name: ClassVar[str] = "rotation"
    needs_setting: ClassVar[bool] = False
    new_patients: ClassVar[bool] = True
    needs_pairs: ClassVar[bool] = True

    def __init__(
        self,
        l2: float = 1.0,
        mode: Mode = "pairs",
        energy: float = 0.99,
        max_rounds: int = 1,
        dropped: int | None = None,
        seed: int = 0,
    ):
        self.l2, self.mode, self.energy, self.max_rounds = l2, mode, energy, max_rounds
        self.dropped, self.seed = dropped, seed

    def fit(
        self,
        latents: np.ndarray,
        setting: np.ndarray,
        location: np.ndarray | None = None,
        *,
        subject: np.ndarray | None = None,
        factors: Factors | None = None,
    ) -> Self:
        """Fit on latents (row, dimension), the setting (row,) of each and, for pairs, the location (row,).

        The number of dropped dimensions is the smallest one after which the classifier, refitted on what is left,
        does no better on held-out people (``subject``, else locations) than luck: chance + 2 standard deviations.
        None at all is dropped where there is no technical effect; never more than ``energy`` asks for. ``factors``
        (mode "heads") maps each setting to its named values, numbers or text. Raises ValueError for rows that do
        not fit together, a single setting, NaN, or latents that are constant.
        """
        self._check_options()
        latents = checked_latents(latents)
        if not np.ptp(latents, axis=0).any():
            raise ValueError(f"latents are constant in all {latents.shape[1]} dimensions: there is nothing to rotate")
        data = training_rows(latents, setting, location, subject, self.mode != "single", self.seed)
        self.unshared_ = np.nan if data.table is None else warn_if_unshared(latents, data.table)
        self.mean_ = latents.mean(0, dtype=np.float64)
        technical = self._technical_axes(data, problem_of(data, self.mode, self.mean_, factors, self.seed))
        self.dropped_ = len(technical)
        self.rotation_ = _rotation(technical, latents - self.mean_)
        means = np.stack([latents[data.setting == name].mean(0, dtype=np.float64) for name in data.settings])
        names = pd.Index(data.settings, name="setting")
        self.technical_means_ = pd.DataFrame((means - self.mean_) @ self.rotation_[: self.dropped_].T, index=names)
        self.shift_angle_ = _shift_angle(technical, means)
        return self

    def transform(self, latents: np.ndarray, setting: object = None) -> np.ndarray:
        """Biological coordinates (row, dimension - dropped); ``setting``, which other methods need, is ignored."""
        check_is_fitted(self)
        return self._rotated(latents, self.rotation_[self.dropped_ :])

    def technical(self, latents: np.ndarray) -> np.ndarray:
        """Technical coordinates (row, dropped), 0 at the training mean."""
        check_is_fitted(self)
        return self._rotated(latents, self.rotation_[: self.dropped_])

    def inverse(self, technical: np.ndarray | None, biological: np.ndarray) -> np.ndarray:
        """Latents (row, dimension); one row of technical coordinates serves all, None stands for the training mean."""
        check_is_fitted(self)
        biological = checked_latents(biological, len(self.mean_) - self.dropped_)
        latents = biological @ self.rotation_[self.dropped_ :] + self.mean_
        if technical is not None:
            latents += np.atleast_2d(technical) @ self.rotation_[: self.dropped_]
        return latents.astype(biological.dtype)

    def swap(self, latents: np.ndarray, donors: np.ndarray) -> np.ndarray:
        """The biology of each row with the technical coordinates of the donor's row (or of a single donor)."""
        return self.inverse(self.technical(donors), self.transform(latents))

    def save(self, path: Path) -> None:
        """Write options, axes and tables into one npz file, whole or not at all."""
        check_is_fitted(self)
        facts = {
            "options": self.get_params(),
            "dropped": self.dropped_,
            "shift_angle": self.shift_angle_,
            "unshared": self.unshared_,
            "curve": self.curve_.to_dict("list"),
            "settings": self.technical_means_.index.tolist(),
        }
        arrays = {name: getattr(self, f"{name}_") for name in ("rotation", "mean", "singular_values")}
        content = io.BytesIO()
        np.savez(content, **arrays, means=self.technical_means_.to_numpy(), facts=np.array(json.dumps(facts)))
        write_atomically(Path(path), content.getvalue())

    @classmethod
    def load(cls, path: Path) -> LatentRotation:
        """What `save` wrote, equal to the last bit."""
        with np.load(path, allow_pickle=False) as stored:
            facts = json.loads(str(stored["facts"]))
            loaded = cls(**facts["options"])
            for name in ("rotation", "mean", "singular_values"):
                setattr(loaded, f"{name}_", stored[name])
            index = pd.Index(facts["settings"], name="setting")
            loaded.technical_means_ = pd.DataFrame(stored["means"], index=index)
        loaded.dropped_, loaded.curve_ = facts["dropped"], pd.DataFrame(facts["curve"])
        loaded.shift_angle_, loaded.unshared_ = facts["shift_angle"], facts["unshared"]
        return loaded

    def _check_options(self) -> None:
        if self.mode not in ("pairs", "heads", "single"):
            raise ValueError(f"mode is {self.mode!r}, expected 'pairs', 'heads' or 'single'")
        if not (self.l2 > 0 and 0 < self.energy <= 1 and self.max_rounds >= 1):
            raise ValueError(
                f"l2 {self.l2}, energy {self.energy}, max_rounds {self.max_rounds}: expected > 0, in 0..1, at least 1"
            )

    def _rotated(self, latents: np.ndarray, axes: np.ndarray) -> np.ndarray:
        """Coordinates along axes; piece by piece, because a million latents need no second copy."""
        latents = checked_latents(latents, len(self.mean_))
        axes, mean = axes.T.astype(latents.dtype), self.mean_.astype(latents.dtype)
        result = np.empty((len(latents), axes.shape[1]), latents.dtype)
        for start in range(0, len(latents), _CHUNK):
            part = slice(start, start + _CHUNK)
            np.matmul(latents[part] - mean, axes, out=result[part])
        return result

    def _technical_axes(self, data: Training, problem: Problem) -> np.ndarray:
        """Orthonormal rows (dropped, dimension), gathered over the rounds; sets singular values and curve."""
        axes, curves = np.zeros((0, len(self.mean_))), []
        for number in range(self.max_rounds):
            values, found = directions(problem.without(axes), self.l2)
            if number == 0:
                self.singular_values_ = values
            judged = curve(data, problem, axes, self.l2, self.seed)
            curves.append(judged.assign(round=number))
            chosen = self._chosen(judged, len(found))
            axes = np.vstack([axes, found[:chosen]])
            left = judged["setting_accuracy"].iloc[min(chosen, len(judged) - 1)]
            if chosen == 0 or self.dropped is not None or left <= 1 / len(data.settings) + PROBE_TOLERANCE:
                break
        self.curve_ = pd.concat(curves, ignore_index=True)
        return axes

    def _chosen(self, judged: pd.DataFrame, found: int) -> int:
        """How many of the found directions to drop: until luck explains what is left, or ``energy`` is reached."""
        if self.dropped is not None:
            if self.dropped > found:
                raise ValueError(f"dropped is {self.dropped}, but the classifier's weights span {found} directions")
            return self.dropped
        enough = int((judged["energy"] < self.energy).sum())
        at_chance = np.flatnonzero(judged["pair_accuracy"] <= judged["limit"])
        return min(found, enough, *at_chance[:1])


def _rotation(technical: np.ndarray, centred: np.ndarray) -> np.ndarray:
    """A proper rotation: technical axes first, then the principal axes of what is left of ``centred``."""
    dimensions = centred.shape[1]
    if len(technical):
        # Orthonormal to the last digit, whatever the rounds left; QR may turn signs, which are turned back.
        q, r = np.linalg.qr(technical.T)
        technical = (q * np.sign(np.diag(r))).T
    rest = null_space(technical) if len(technical) else np.eye(dimensions)
    _, axes = np.linalg.eigh(rest.T @ (centred.T @ centred) @ rest)
    rotation = np.vstack([technical, (rest @ axes[:, ::-1]).T])
    if np.linalg.det(rotation) < 0:
        rotation[-1] *= -1
    return rotation


def _shift_angle(technical: np.ndarray, means: np.ndarray) -> float:
    """Largest principal angle in degrees between the axes and what the settings' means (setting, dimension) span."""
    _, values, axes = np.linalg.svd(means - means.mean(0), full_matrices=False)
    shifts = axes[values > 1e-9 * values[0]] if values[0] > 0 else axes[:0]
    if not len(technical) or not len(shifts):
        return float("nan")
    return float(np.degrees(subspace_angles(technical.T, shifts.T).max()))
