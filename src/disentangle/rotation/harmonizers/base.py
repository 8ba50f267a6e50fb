"""What every harmonizer shares: fit and transform, the checks of rows, and the loop that uses any of them.

Latents are rows (row, latent), each of one patch under one acquisition setting. A harmonizer returns them in the
same space and units, so that clusters, probes and decoder serve all methods alike; only where the origin lies is a
method's own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from disentangle.rotation.differences import checked_labels, checked_latents


class Rows(NamedTuple):
    """Latents (row, latent), the setting of each row, and its tissue position where positions repeat."""

    latents: np.ndarray
    setting: np.ndarray
    location: np.ndarray | None = None


class Training(NamedTuple):
    """Checked training rows: latents (row, latent) float64, codes (row,) into the sorted names of settings."""

    latents: np.ndarray
    codes: np.ndarray
    settings: tuple[str, ...]


class Harmonizer(BaseEstimator, ABC):
    """Removes what the setting did to latents; fitted on training rows, applied to any.

    ``needs_setting``: the setting of a new row must be known. ``new_patients``: rows of people who were not in
    the fit can be transformed. ``needs_pairs``: the fit needs tissue positions seen under several settings.
    """

    name: ClassVar[str]
    needs_setting: ClassVar[bool] = False
    new_patients: ClassVar[bool] = True
    needs_pairs: ClassVar[bool] = False

    @abstractmethod
    def fit(self, latents: np.ndarray, setting: np.ndarray, location: np.ndarray | None = None) -> Self:
        """Fit on latents (row, latent), setting (row,) and, for methods of pairs, location (row,)."""

    @abstractmethod
    def transform(self, latents: np.ndarray, setting: np.ndarray | None = None) -> np.ndarray:
        """Harmonized latents, same shape and floating type as given."""

    def fit_transform(self, latents: np.ndarray, setting: np.ndarray, location: np.ndarray | None = None) -> np.ndarray:
        """The training rows, harmonized."""
        return self.fit(latents, setting, location).transform(latents, setting)

    def _training(self, latents: np.ndarray, setting: np.ndarray, *, settings: int = 2, rows: int = 2) -> Training:
        """Checked rows with at least ``settings`` settings of at least ``rows`` rows each."""
        latents = check_latents(latents)
        names, codes = np.unique(check_setting(setting, len(latents)), return_inverse=True)
        if len(names) < settings:
            raise ValueError(
                f"{self.name}: {len(names)} setting ({', '.join(names)}) among {len(latents)} rows, "
                f"at least {settings} expected: there is nothing to harmonize"
            )
        counts = np.bincount(codes)
        if counts.min() < rows:
            raise ValueError(
                f"{self.name}: setting {names[counts.argmin()]} has {counts.min()} row, at least {rows} expected"
            )
        return Training(latents, codes.ravel(), tuple(map(str, names)))


class SettingMap(Harmonizer):
    """A harmonizer that holds one map for each setting of the training rows, and none for other settings."""

    needs_setting = True

    @abstractmethod
    def _map(self, latents: np.ndarray, code: int) -> np.ndarray:
        """Rows of the setting with number ``code``, harmonized."""

    def transform(self, latents: np.ndarray, setting: np.ndarray | None = None, *, unseen: str = "error") -> np.ndarray:
        """Harmonized latents (row, latent).

        Parameters
        ----------
        latents : array (row, latent)
        setting : array of str (row,)
        unseen : "error" | "identity"
            What becomes of rows whose setting was not in the fit: an error, or they stay as they are.
        """
        check_is_fitted(self)
        if unseen not in ("error", "identity"):
            raise ValueError(f"{self.name}: unseen is {unseen!r}, expected 'error' or 'identity'")
        if setting is None:
            raise ValueError(f"{self.name}: the setting of every row is needed, found none")
        rows = check_latents(latents, self.n_features_in_)
        names = check_setting(setting, len(rows))
        strange = sorted(set(np.unique(names).tolist()) - set(self.settings_))
        if strange and unseen == "error":
            raise ValueError(
                f"{self.name}: setting {', '.join(strange)} was not in the fit ({', '.join(self.settings_)}); "
                "such rows can only be left as they are: unseen='identity'"
            )
        result = rows.copy()
        for code, name in enumerate(self.settings_):
            chosen = names == name
            if chosen.any():
                result[chosen] = self._map(rows[chosen], code)
        return as_given(result, latents)


class LinearMap(Harmonizer):
    """A harmonizer that is one linear map about a mean, the same for every row: no setting is asked for.

    After ``fit``: ``mean_`` (latent,), ``matrix_`` (latent, latent); rows become mean + (row - mean) matrix'.
    """

    def transform(self, latents: np.ndarray, setting: np.ndarray | None = None) -> np.ndarray:
        """Harmonized latents (row, latent); ``setting`` is not looked at."""
        check_is_fitted(self)
        rows = check_latents(latents, len(self.mean_))
        return as_given((rows - self.mean_) @ self.matrix_.T + self.mean_, latents)


def harmonize(method, train: Rows, *others: Rows, unseen: str = "error") -> list[np.ndarray]:
    """Fit a method on the training rows; return these and each further set of rows, harmonized.

    Any object with ``fit(latents, setting, location)`` and ``transform(latents)`` will do. A method without a map
    for new people (Harmony) is fitted on all rows together, their settings included: it has seen the test latents,
    which the others have not.

    Parameters
    ----------
    method : Harmonizer or an object with the same habits
    train, others : Rows
    unseen : "error" | "identity"
        For methods with one map a setting: see :meth:`SettingMap.transform`.

    Returns
    -------
    list of arrays (row, latent), one for ``train`` and one for each of ``others``
    """
    parts = [train, *others]
    if not getattr(method, "new_patients", True):
        together = (np.concatenate([np.asarray(part[column]) for part in parts]) for column in (0, 1))
        ends = np.cumsum([len(part.latents) for part in parts])[:-1]
        return np.split(method.fit_transform(*together), ends)
    method.fit(train.latents, train.setting, train.location)
    if isinstance(method, SettingMap):
        return [method.transform(part.latents, part.setting, unseen=unseen) for part in parts]
    return [method.transform(part.latents) for part in parts]


def check_latents(latents: np.ndarray, features: int | None = None) -> np.ndarray:
    """Latents as float64, after shape, width and finiteness were looked at."""
    return np.asarray(checked_latents(latents, features), np.float64)


def check_setting(setting: np.ndarray, rows: int) -> np.ndarray:
    """Names of settings (row,) as str, none missing."""
    return checked_labels(setting, rows, "setting").astype(str)


def as_given(result: np.ndarray, latents: np.ndarray) -> np.ndarray:
    """``result`` in the floating type of ``latents``."""
    given = np.asarray(latents).dtype
    return result.astype(given, copy=False) if np.issubdtype(given, np.floating) else result


def symmetric_power(matrix: np.ndarray, power: float) -> np.ndarray:
    """Power of a symmetric positive semidefinite matrix; directions of (numerically) no variance become 0."""
    values, vectors = np.linalg.eigh(matrix)
    kept = values > max(values[-1], 0) * len(values) * np.finfo(float).eps
    return (vectors[:, kept] * values[kept] ** power) @ vectors[:, kept].T
