"""How a finding decides a claim: the rule of each kind, as pure functions of an interval."""

from __future__ import annotations

from typing import Any, Literal, Protocol

Kind = Literal["direction", "size", "equivalence", "qualitative", "theory"]
Verdict = Literal["holds", "fails", "undecided", "untested"]


class Limits(Protocol):
    """What a finding is compared with; see ``claims.Decider``."""

    threshold: float | None
    margin: float | None
    expected: Literal["above", "below"] | None
    no_effect: float | None


def decide(kind: Kind, limits: Limits, finding: dict[str, Any], real: bool) -> tuple[Verdict, str]:
    """The verdict of a finding on a claim of some kind, and the reason in words.

    Parameters
    ----------
    finding : dict
        With ``value``, ``low``, ``high`` and ``better``; without an interval nothing is decided.
    real : bool
        Whether all grey values were measured in people: otherwise a size is decided as a direction only.
    """
    if kind == "theory":
        return "untested", "explained, not measured"
    low, high = finding["low"], finding["high"]
    if low is None or high is None:
        return "undecided", "the finding has no interval"
    if kind == "equivalence":
        return _inside(low, high, limits.margin)
    if kind == "size" and not real:
        return _direction_only(low, high, limits, finding)
    if kind == "qualitative" and limits.threshold is None:
        return "undecided", "a matter of looking: see the figure"
    limit = 0.0 if kind == "direction" else limits.threshold
    return _beyond(low, high, limit, expected_side(limits, finding))


def expected_side(limits: Limits, finding: dict[str, Any]) -> str | None:
    """The side of the limit that supports the claim, or None where neither claim nor finding says it."""
    by_better = {"higher": "above", "lower": "below"}.get(finding["better"])
    return limits.expected or by_better


def _beyond(low: float, high: float, limit: float, expected: str | None) -> tuple[Verdict, str]:
    if expected is None:
        return "undecided", "neither the claim nor the finding says which side supports it"
    above, below = low > limit, high < limit
    if not above and not below:
        return "undecided", f"the interval includes {limit:g}"
    side = "above" if above else "below"
    return ("holds" if side == expected else "fails"), f"the whole interval lies {side} {limit:g}"


def _inside(low: float, high: float, margin: float) -> tuple[Verdict, str]:
    if -margin < low and high < margin:
        return "holds", f"the whole interval lies within ±{margin:g}"
    if high < -margin or low > margin:
        return "fails", f"the whole interval lies outside ±{margin:g}"
    return "undecided", f"the interval crosses the margin of ±{margin:g}"


def _direction_only(low: float, high: float, limits: Limits, finding: dict[str, Any]) -> tuple[Verdict, str]:
    undecidable = f"the published size {limits.threshold:g} cannot be decided on simulated data"
    if limits.no_effect is None:
        return "undecided", undecidable
    verdict, reason = _beyond(low, high, limits.no_effect, expected_side(limits, finding))
    return verdict, f"direction only: {reason}; {undecidable}"
