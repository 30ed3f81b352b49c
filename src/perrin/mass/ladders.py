"""Calibrants with several known masses, and which peak of a measurement is which of them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from perrin.errors import PerrinError
from perrin.types import FloatArray

LADDERS: dict[str, tuple[float, ...]] = {
    # Invitrogen NativeMark, unstained, above the 20 kDa band, which no photometer sees
    "nativemark": (66.0, 146.0, 242.0, 480.0, 720.0, 1048.0, 1236.0),
    # Refeyn MassFerence P1, monomer to tetramer
    "massference-p1": (86.0, 172.0, 258.0, 344.0),
    # dynamin without its proline-rich domain: monomer, then dimers of it
    "dynamin": (90.0, 180.0, 360.0, 540.0, 720.0),
    # bovine serum albumin, monomer to trimer
    "bsa": (66.0, 132.0, 198.0),
}
"""Masses (kDa) by the name of the ladder."""

AMBIGUOUS_BELOW = 6.0
"""Difference in misfit (a chi-squared, so a likelihood ratio of 20) that tells matches apart."""

# Six real calibrations have gradients of 2.55e-5 to 6.1e-5 per kDa, 3.5e-5 to 4e-5 typically,
# and offsets of up to 6 kDa.
_GRADIENTS = (2e-5, 8e-5)
_GRADIENT, _LOG_GRADIENT_SD = 4e-5, 0.3
_OFFSET_SD_KDA, _OFFSET_MAX_KDA = 8.0, 24.0
_PEAK_SD = 0.03  # relative: mode against mean of a skewed peak, and the calibrant's own mass
_PEAK_LEFT_OUT = 9.0  # misfit of a peak that belongs to no mass: three standard deviations
_BETTER = 1.0  # difference in misfit, where what is left out speaks for another ladder too
_MASS_LEFT_OUT = 1.0  # of a mass between the matched ones that shows no peak


@dataclass(frozen=True)
class LadderMatch:
    """One way to read peaks as masses.

    peaks: indices into the peaks as given; masses_kda: their masses, in the same order;
    misfit: chi-squared with the penalties of `match_ladder`, small is good;
    relative_residual: root mean square of the matched peaks' relative contrast residuals.
    """

    peaks: tuple[int, ...]
    masses_kda: tuple[float, ...]
    gradient_per_kda: float
    offset: float
    misfit: float
    relative_residual: float
    unmatched_peaks: tuple[int, ...]
    absent_masses_kda: tuple[float, ...]

    def __str__(self) -> str:
        """Say the match in one line, for a user who has to choose."""
        pairs = ", ".join(
            f"peak {peak + 1} = {mass:g} kDa"
            for peak, mass in zip(self.peaks, self.masses_kda, strict=True)
        )
        return f"{pairs} (residual {self.relative_residual:.1%}, misfit {self.misfit:.1f})"


def ladder(name_or_masses: str) -> tuple[float, ...]:
    """Return the masses (kDa, ascending) of a ladder by name, or of a list as "66,146,480".

    Raises `PerrinError` for an unknown name, fewer than two masses and equal masses.
    """
    known = LADDERS.get(name_or_masses.strip().lower())
    if known is not None:
        return known
    try:
        masses = sorted(float(part) for part in name_or_masses.split(","))
    except ValueError as error:
        raise PerrinError(
            f"{name_or_masses!r} is no ladder; give one of {', '.join(LADDERS)}, or masses in "
            "kDa with commas between them, as 66,146,480."
        ) from error
    return tuple(_checked_masses(np.array(masses)).tolist())


def match_ladder(
    peak_contrasts: npt.ArrayLike,
    ladder_masses_kda: npt.ArrayLike,
    *,
    contrast_se: npt.ArrayLike | None = None,
    counts: npt.ArrayLike | None = None,
) -> list[LadderMatch]:
    """Return the ways to read peaks as masses of a ladder, the likeliest first.

    peak_contrasts (k,): peak positions, negative; ladder_masses_kda (n,); contrast_se (k,):
    their standard errors; counts (k,): events in each peak, so that a small stray peak
    costs little. Not every peak must belong to the ladder, nor every mass show a peak.

    Each pair of peaks with each pair of masses proposes a line; lines with a gradient
    between 2e-5 and 8e-5 per kDa and an offset below 24 kDa collect the peaks within three
    standard deviations and are fitted to them. The misfit adds the squared residuals
    (3% of the contrast and `contrast_se` as standard deviation), a weak prior on gradient
    and offset from real calibrations, 9 for a peak left out (times the square root of its
    counts over the largest) and 1 for a mass left out between matched ones.

    Raises `PerrinError` for fewer than two peaks or masses, positive contrasts, or where no
    such line exists.
    """
    c, sd, cost = _checked_peaks(peak_contrasts, contrast_se, counts)
    masses = _checked_masses(np.asarray(ladder_masses_kda, dtype=np.float64))
    by_strength = np.argsort(-c)  # weakest contrast first
    found: dict[tuple[tuple[int, float], ...], LadderMatch] = {}
    for i, j in combinations(by_strength, 2):
        for light, heavy in combinations(masses, 2):
            if c[i] == c[j]:
                continue
            gradient = (c[j] - c[i]) / (heavy - light)
            match = _collected(gradient, c[i] - gradient * light, c, sd, cost, masses)
            if match is not None:
                key = tuple(zip(match.peaks, match.masses_kda, strict=True))
                found.setdefault(key, match)
    if not found:
        raise PerrinError(
            f"peaks at contrasts {', '.join(f'{peak:.3g}' for peak in c)} cannot be masses of "
            f"{', '.join(f'{mass:g}' for mass in masses)} kDa: no line has a gradient of 2e-5 "
            "to 8e-5 per kDa and a small offset. Check the ladder, or give pairs of mass and "
            "contrast by hand."
        )
    return sorted(found.values(), key=lambda match: match.misfit)


def contradicting(matches: list[LadderMatch]) -> list[LadderMatch]:
    """Return the matches that are about as likely as the first and read a peak otherwise."""
    best = matches[0]
    reading = dict(zip(best.peaks, best.masses_kda, strict=True))
    return [
        match
        for match in matches[1:]
        if match.misfit - best.misfit < AMBIGUOUS_BELOW
        and any(
            reading.get(peak, mass) != mass
            for peak, mass in zip(match.peaks, match.masses_kda, strict=True)
        )
    ]


def better_ladders(
    best: LadderMatch,
    peak_contrasts: npt.ArrayLike,
    ladder_masses_kda: npt.ArrayLike,
    *,
    contrast_se: npt.ArrayLike | None = None,
    counts: npt.ArrayLike | None = None,
) -> list[str]:
    """Return the known ladders that read the peaks better than a ladder does at its best.

    One does that leaves fewer of its masses and no more peaks unread, with a misfit that is lower
    by more than 1. Arguments as those of `match_ladder`.
    """
    unused = np.size(ladder_masses_kda) - len(best.masses_kda)
    found = []
    for name, masses in LADDERS.items():
        try:
            other = match_ladder(peak_contrasts, masses, contrast_se=contrast_se, counts=counts)[0]
        except PerrinError:
            continue  # it is no reading at all
        fewer = len(masses) - len(other.masses_kda) < unused
        no_more = len(other.unmatched_peaks) <= len(best.unmatched_peaks)
        if fewer and no_more and other.misfit < best.misfit - _BETTER:
            found.append(name)
    return found


def _collected(
    gradient: float,
    offset: float,
    c: FloatArray,
    sd: FloatArray,
    cost: FloatArray,
    masses: FloatArray,
) -> LadderMatch | None:
    """Fit the peaks that a proposed line collects; None where it is not physical."""
    if not _physical(gradient, offset):
        return None
    pairs = _assigned(gradient, offset, c, sd, masses)
    if len(pairs) < 2:
        return None
    peaks = np.array(sorted(pairs, key=lambda peak: pairs[peak]))
    m = np.array([pairs[peak] for peak in peaks])
    gradient, offset = (float(x) for x in np.polyfit(m, c[peaks], 1, w=1 / sd[peaks]))
    if not _physical(gradient, offset):
        return None
    rest = c[peaks] - (gradient * m + offset)
    left_out = sorted(set(range(len(c))) - set(peaks.tolist()))
    absent = masses[(masses > m[0]) & (masses < m[-1]) & ~np.isin(masses, m)]
    misfit = (
        np.sum((rest / sd[peaks]) ** 2)
        + (offset / gradient / _OFFSET_SD_KDA) ** 2
        + (np.log(-gradient / _GRADIENT) / _LOG_GRADIENT_SD) ** 2
        + cost[left_out].sum()
        + _MASS_LEFT_OUT * len(absent)
    )
    return LadderMatch(
        peaks=tuple(peaks.tolist()),
        masses_kda=tuple(m.tolist()),
        gradient_per_kda=gradient,
        offset=offset,
        misfit=float(misfit),
        relative_residual=float(np.sqrt(np.mean((rest / c[peaks]) ** 2))),
        unmatched_peaks=tuple(left_out),
        absent_masses_kda=tuple(absent.tolist()),
    )


def _physical(gradient: float, offset: float) -> bool:
    low, high = _GRADIENTS
    return low <= -gradient <= high and abs(offset / gradient) <= _OFFSET_MAX_KDA


def _assigned(
    gradient: float,
    offset: float,
    c: FloatArray,
    sd: FloatArray,
    masses: FloatArray,
) -> dict[int, float]:
    """Return peak -> mass for peaks within three standard deviations; each mass once."""
    off = np.abs(c[:, None] - (gradient * masses + offset)) / sd[:, None]  # (k, n)
    nearest = off.argmin(axis=1)
    pairs: dict[int, float] = {}
    for mass in np.unique(nearest):
        peaks = np.flatnonzero(nearest == mass)
        peak = int(peaks[off[peaks, mass].argmin()])
        if off[peak, mass] <= 3:
            pairs[peak] = float(masses[mass])
    return pairs


def _checked_peaks(
    peak_contrasts: npt.ArrayLike,
    contrast_se: npt.ArrayLike | None,
    counts: npt.ArrayLike | None,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return contrasts, standard deviations and the costs of leaving out, each (k,)."""
    c = np.asarray(peak_contrasts, dtype=np.float64)
    se = np.zeros_like(c) if contrast_se is None else np.asarray(contrast_se, dtype=np.float64)
    n = np.ones_like(c) if counts is None else np.asarray(counts, dtype=np.float64)
    if c.ndim != 1 or len(c) < 2 or se.shape != c.shape or n.shape != c.shape:
        raise PerrinError(
            f"peaks {c.shape}, errors {se.shape} and counts {n.shape}: matching a ladder needs "
            "two peaks or more, with one error and one count for each."
        )
    if not (np.isfinite(c) & (c < 0)).all():
        raise PerrinError(
            f"the peaks are at contrasts {c.tolist()}; each must be a number below 0, as "
            "landings are. Leave peaks of unbinding events out."
        )
    if not (np.isfinite(se) & (se >= 0) & np.isfinite(n) & (n >= 0)).all() or n.max() == 0:
        raise PerrinError(
            f"errors {se.tolist()} and counts {n.tolist()} of the peaks must be numbers of 0 "
            "or more."
        )
    return c, np.hypot(se, _PEAK_SD * c), _PEAK_LEFT_OUT * np.sqrt(n / n.max())


def _checked_masses(masses: FloatArray) -> FloatArray:
    if (
        masses.ndim != 1
        or len(masses) < 2
        or not (np.isfinite(masses) & (masses > 0)).all()
        or len(np.unique(masses)) < len(masses)
    ):
        raise PerrinError(
            f"a ladder needs two or more different masses above 0; got {masses.tolist()} kDa."
        )
    return np.sort(masses)
