"""How long regimes last and how often one becomes another, over all tracks of a measurement.

A track ends, or loses certainty, before most regimes do. Such a regime is censored, not short:

- rates and mean residence times by maximum likelihood for exponential ones, ended regimes over
  the time of all of them; with no memory, regimes under way when the track begins count like
  others;
- survival by Kaplan and Meier (J. Am. Stat. Assoc. 53, 457 (1958)), with no law assumed, from
  the regimes whose start was seen, with Greenwood's error.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from perrin.diffusion.tables import SURVIVAL, TRANSITIONS
from perrin.stats import normal_quantile, poisson_interval

_CONFIDENCE = 0.9
_NORMAL = normal_quantile(_CONFIDENCE)


def transitions(regimes: pd.DataFrame) -> pd.DataFrame:
    """Return the TRANSITIONS table of a REGIMES table: every ordered pair of labels.

    The rate is the number over the time spent in the first; its interval is that of a Poisson
    number (Garwood, Biometrika 28, 437 (1936)). From and to "undecided" means that certainty
    ends or begins: no process is known to have changed.
    """
    following = (
        regimes["label"].shift(-1).where(regimes["particle"].shift(-1) == regimes["particle"])
    )
    time = regimes.groupby("label")["residence_time"].sum()
    rows = []
    for before in _LABELS:
        spent = float(time.get(before, 0.0))
        for after in _LABELS:
            if after == before:
                continue
            number = int(((regimes["label"] == before) & (following == after)).sum())
            low, rate, high = rate_of(number, spent)
            rows.append((before, after, number, spent, rate, low, high))
    return pd.DataFrame(rows, columns=[column.name for column in TRANSITIONS])


def survival(regimes: pd.DataFrame) -> pd.DataFrame:
    """Return the SURVIVAL table of a REGIMES table: Kaplan-Meier of FBM and CTRW.

    Regimes under way when the track began are left out. The interval is that of ln(-ln S).
    """
    rows = []
    for label in ("fbm", "ctrw"):
        own = regimes[(regimes["label"] == label) & ~regimes["left_censored"]]
        residence_time = own["residence_time"].to_numpy(float)
        ended = ~own["right_censored"].to_numpy(bool)
        left, greenwood = 1.0, 0.0
        for time in np.unique(residence_time):
            at_risk = int((residence_time >= time).sum())
            ends = int(((residence_time == time) & ended).sum())
            left *= 1 - ends / at_risk
            greenwood += ends / (at_risk * (at_risk - ends)) if at_risk > ends else np.inf
            low, high = _log_log(left, greenwood)
            lost = int(((residence_time == time) & ~ended).sum())
            rows.append((label, float(time), at_risk, ends, lost, left, low, high))
    return pd.DataFrame(rows, columns=[column.name for column in SURVIVAL])


def summary(regimes: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return for FBM and CTRW: regimes, ended and censored, mean residence time and median.

    The mean is that of exponential residence times (time of all regimes over the ended ones)
    with a 90% interval, the median that of Kaplan and Meier; None where too few ended.
    """
    curves = survival(regimes)
    predicted = {}
    for label in ("fbm", "ctrw"):
        own = regimes[regimes["label"] == label]
        ended, spent = int((~own["right_censored"]).sum()), float(own["residence_time"].sum())
        low, rate, high = rate_of(ended, spent)
        curve = curves[curves["label"] == label]
        below = curve.loc[curve["survival"] <= 0.5, "time"]
        predicted[label] = {
            "regimes": len(own),
            "ended": ended,
            "right_censored": len(own) - ended,
            "left_censored": int(own["left_censored"].sum()),
            "time": spent,
            "mean_residence_time": _inverse(rate),
            "mean_residence_time_low": _inverse(high),
            "mean_residence_time_high": _inverse(low),
            "median_residence_time": float(below.iloc[0]) if len(below) else None,
        }
    return predicted


def rate_of(number: int, time: float) -> tuple[float, float, float]:
    """Return low end, estimate and high end (90%) of a rate: `number` events in `time`."""
    if not time > 0:
        return np.nan, np.nan, np.nan
    low, high = (float(end) for end in poisson_interval(number, confidence=_CONFIDENCE))
    return low / time, number / time, high / time


_LABELS = ("fbm", "ctrw", "undecided")


def _log_log(left: float, greenwood: float) -> tuple[float, float]:
    if left in (0.0, 1.0) or not np.isfinite(greenwood):
        return (left, left) if left == 1.0 else (np.nan, np.nan)
    reach = np.exp(_NORMAL * np.sqrt(greenwood) / abs(np.log(left)))
    return float(left**reach), float(left ** (1 / reach))


def _inverse(rate: float) -> float | None:
    return 1 / rate if rate > 0 else None
