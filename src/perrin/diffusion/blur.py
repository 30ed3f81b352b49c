"""What light over a part of the frame interval does to the mean squared displacement of FBM."""

from __future__ import annotations

import numpy as np
from numba import njit

SHARP = 1e-3
"""Exposures below this fraction of the frame interval are none."""
_FAR = 8  # frames from which two terms of the series are exact enough, and free of cancellation


@njit(cache=True, nogil=True)
def blurred_msd(lag, alpha, exposure):  # type: ignore[no-untyped-def]
    """Return the MSD of one axis over `lag` frames, 1 over one frame without blur.

    Positions are means over `exposure` of the frame interval: the double integral of |t|^alpha less
    the part that all lags lose (for alpha = 1 lag - exposure / 3: Berglund, Phys. Rev. E 82,
    011917 (2010); for FBM Backlund, Joyner and Moerner, Phys. Rev. E 91, 062716 (2015)).
    """
    if lag == 0:
        return 0.0
    power = np.exp(alpha * np.log(lag))
    if exposure < SHARP:
        return power
    two = (alpha + 1.0) * (alpha + 2.0)
    lost = 2.0 * np.exp(alpha * np.log(exposure)) / two
    if lag >= _FAR:
        own = (exposure / lag) ** 2
        next_one = (alpha - 2.0) * (alpha - 3.0) * own * own / 360.0
        return power * (1.0 + alpha * (alpha - 1.0) * (own / 12.0 + next_one)) - lost
    above, below = lag + exposure, abs(lag - exposure)
    sides = above ** (alpha + 2.0) + below ** (alpha + 2.0) - 2.0 * lag ** (alpha + 2.0)
    return sides / (two * exposure * exposure) - lost
