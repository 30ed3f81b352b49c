"""A calibration from the events of a calibrant: its peaks, matched to a ladder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from perrin.errors import PerrinError
from perrin.mass.calibration import Calibration, Recorded, calibrate
from perrin.mass.calibration_doubts import doubts_of_line
from perrin.mass.ladder_peaks import kept_spectrum
from perrin.mass.ladders import LadderMatch, better_ladders, contradicting, match_ladder
from perrin.mass.modes import FWHM_PER_SD
from perrin.mass.spectrum import fit_spectrum
from perrin.settings.spectrum import SpectrumSettings
from perrin.tables import check_events
from perrin.types import FloatArray

if TYPE_CHECKING:
    import pandas as pd

    from perrin.mass.results import Spectrum

_DEFAULTS = SpectrumSettings()
_CALIBRANTS_AT_MOST = 12  # rows of a table of calibrants: ladders have fewer masses
_CALIBRANT = 0.01  # relative: how well a calibrant's peak stands for its mass


@dataclass(frozen=True)
class LadderCalibration:
    """A calibration, the reading of the peaks it rests on, and others about as likely.

    `alternatives` is empty where the reading is clear. `spectrum` is that of the contrasts;
    the indices in the matches count its peaks.
    """

    calibration: Calibration
    match: LadderMatch
    alternatives: tuple[LadderMatch, ...]
    spectrum: Spectrum


def calibrate_from_events(
    events: pd.DataFrame,
    ladder_masses_kda: npt.ArrayLike,
    *,
    settings: SpectrumSettings = _DEFAULTS,
    recorded: Mapping[str, Any] | Recorded | None = None,
    source: str = "",
    source_sha256: str | None = None,
) -> LadderCalibration:
    """Return the calibration that the landings in `events` give with a ladder's masses.

    Peaks are those of the contrast spectrum of the retained events; each is at the mean of
    the Gaussian fitted to it (its mode, where none could be), as in DiscoverMP. Its
    standard error adds in squares that of the mean, width / sqrt(counts), the distance
    from the mean to the mode, large where the peak is skewed or sits on a shoulder, and 1%
    of the contrast for the calibrant itself.

    Raises `PerrinError` where fewer than two peaks stand out, they fit no reading of the ladder,
    or its best reading is so poor that the ladder may be another one: most of its masses show no
    peak, and peaks belong to none of them or another known ladder reads them better.
    """
    check_events(events)
    used_events = events[events["retained"]] if "retained" in events.columns else events
    _check_contrasts(used_events)
    spectrum = fit_spectrum(used_events["contrast"], settings=settings, unit="contrast")
    _check_calibrant(spectrum)
    at, se, counts = _positions(spectrum)
    matches = match_ladder(at, ladder_masses_kda, contrast_se=se, counts=counts)
    best = matches[0]
    better = better_ladders(best, at, ladder_masses_kda, contrast_se=se, counts=counts)
    _check_reading(best, at, np.size(ladder_masses_kda), better)
    used = list(best.peaks)
    line = calibrate(
        best.masses_kda,
        at[used],
        contrast_se=np.hypot(se, _CALIBRANT * at)[used],
        labels=[f"{mass:g} kDa" for mass in best.masses_kda],
        recorded=recorded,
        source=source,
        source_sha256=source_sha256,
    )
    kept = kept_spectrum(spectrum, best.unmatched_peaks)
    return LadderCalibration(
        calibration=line.model_copy(update={"spectrum": kept}),
        match=best,
        alternatives=tuple(contradicting(matches)),
        spectrum=spectrum,
    )


def doubts(made: LadderCalibration, ladder_masses_kda: Sequence[float]) -> tuple[str, ...]:
    """Return what speaks against a reading of a ladder, in sentences; empty where nothing does."""
    used = set(made.match.masses_kda)
    unused = [mass for mass in sorted(ladder_masses_kda) if mass not in used]
    said: tuple[str, ...] = ()
    if unused:
        said += (
            f"NOT ALL OF THE LADDER WAS FOUND: no peak was read as "
            f"{', '.join(f'{mass:g}' for mass in unused)} kDa. Were these masses in the sample?",
        )
    if made.match.unmatched_peaks:
        at = [made.spectrum.peaks[k].mode.value for k in made.match.unmatched_peaks]
        said += (
            f"peaks at a contrast of {', '.join(f'{-value:.3g}' for value in at)} belong to no "
            "mass of the ladder",
        )
    return said + doubts_of_line(made.calibration)


def _check_contrasts(events: pd.DataFrame) -> None:
    """Raise `PerrinError` for masses alone, and for a table of calibrants instead of events."""
    contrast = events["contrast"].to_numpy(dtype=np.float64)
    if len(events) and not np.isfinite(contrast).any():
        raise PerrinError(
            "the table of the calibrant holds masses and no contrasts: a calibration turns "
            "contrasts into masses. Export the contrasts of the events too, or give pairs of mass "
            "and contrast by hand."
        )
    masses = events.get("mass_kda")
    if masses is None or not 2 <= len(events) <= _CALIBRANTS_AT_MOST:
        return
    known = np.isfinite(masses.to_numpy(dtype=np.float64)) & np.isfinite(contrast)
    if known.all() and (np.diff(np.sort(masses)) > 0).all():
        pairs = " ".join(
            f"--pair {mass:g}:{at:.6g}" for mass, at in zip(masses, contrast, strict=True)
        )
        raise PerrinError(
            f"the table has {len(events)} rows, too few for the events of a calibrant: if each row "
            f"is a calibrant with its mass and contrast, give them by hand: {pairs}"
        )


def _check_calibrant(spectrum: Spectrum) -> None:
    if spectrum.n_unbinding > spectrum.n_landing:
        raise PerrinError(
            f"the calibrant has {spectrum.n_unbinding} unbindings (contrast positive) and only "
            f"{spectrum.n_landing} landings (negative): the line would go through the minority. "
            "If the table counts landings positive, give --landing-sign 1 (or change the sign of "
            "the column)."
        )
    if len(spectrum.peaks) < 2:
        raise PerrinError(
            f"the calibrant shows {len(spectrum.peaks)} peak(s) in {spectrum.n_landing} landings; "
            "a calibration needs two or more. Record more events, or give pairs of mass and "
            "contrast by hand."
        )


def _check_reading(
    best: LadderMatch, contrasts: FloatArray, n_masses: int, better: Sequence[str]
) -> None:
    """Raise `PerrinError` for a reading that leaves most of the ladder out, and more."""
    if 2 * len(best.masses_kda) >= n_masses or not (best.unmatched_peaks or better):
        return
    unread = ", ".join(f"{contrasts[k]:.3g}" for k in best.unmatched_peaks)
    said = f"; peaks at a contrast of {unread} belong to none" if unread else ""
    if better:
        said += f"; {' and '.join(better)} would read them better"
    raise PerrinError(
        f"is it this ladder? Only {len(best.masses_kda)} of its {n_masses} masses show a peak (at "
        f"best {best}){said}. Give the ladder that was recorded, of its masses those that are in "
        "the sample (--ladder 66,146), or pairs of mass and contrast by hand."
    )


def _positions(
    spectrum: Spectrum,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Contrast (negative), standard error and counts of each peak, (k,)."""
    rows = []
    for peak in spectrum.peaks:
        place = peak.mode if peak.fit_mean is None else peak.fit_mean
        width = peak.high - peak.low if peak.fwhm is None else peak.fwhm.value
        sd = width / FWHM_PER_SD
        se = np.hypot(sd / np.sqrt(max(peak.counts, 1)), place.value - peak.mode.value)
        rows.append((-place.value, se, peak.counts))
    at, se, counts = np.array(rows, dtype=np.float64).T
    return at, se, counts
