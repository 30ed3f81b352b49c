"""From contrast to mass: the calibration line, its uncertainty and where it holds.

The line is ``contrast = gradient * mass + offset``, fitted with contrast on mass. It is
used odd-symmetrically: an unbinding event of contrast +c has minus the mass of a landing
of contrast -c, as in DiscoverMP, whose stored masses this gives back digit by digit.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field, ValidationError, model_validator

from perrin._version import __version__
from perrin.errors import PerrinError, about, why_unreadable
from perrin.io.event_checks import PER_KDA, PROTEINS
from perrin.io.output import written_file
from perrin.mass.calibration_doubts import check_fractions
from perrin.mass.ladder_peaks import CalibrationPoint, LadderSpectrum
from perrin.mass.line import Covariance, checked_points, fit_line
from perrin.notebook import Shown, rounded
from perrin.settings.base import Settings
from perrin.tables import check_events, order_columns
from perrin.types import FloatArray

_SAME_SETTING = 0.01  # relative; pixel sizes and frame intervals are given to about 1e-3
_SAME_LINE = 1e-4  # relative; an embedded line that its own points give back
_SPAN = (0.5, 1.5)  # of the lightest and of the heaviest point
_FEW = 0.05  # fraction of events beyond the span that is worth a note


class Recorded(Settings):
    """The settings a measurement was recorded and analyzed with; None where unknown."""

    n_avg: int | None = Field(None, gt=0)
    frame_interval_s: float | None = Field(None, gt=0)
    pixel_nm: float | None = Field(None, gt=0)
    instrument: str | None = None


class Calibration(Shown, Settings):
    """A calibration line with the covariance of (gradient, offset) and its points."""

    format_version: Literal[1] = 1
    gradient_per_kda: float = Field(lt=0, description="contrast per kDa")
    offset: float = Field(description="contrast at mass 0")
    covariance: Covariance | None = None
    points: tuple[CalibrationPoint, ...] = ()
    recorded: Recorded = Recorded()
    reading: str = Field("", description="which peak was taken for which mass of the ladder")
    other_readings: tuple[str, ...] = Field((), description="that fit about as well")
    notes: tuple[str, ...] = Field((), description="what a user should know of it")
    spectrum: LadderSpectrum | None = Field(None, description="of the calibrant, for its picture")
    source: str = Field("", description="name of the file or measurement it was made from")
    source_sha256: str | None = None
    created: str = Field("", description="date and time, ISO 8601, UTC")
    perrin_version: str = __version__

    @model_validator(mode="after")
    def _covariance_is_one(self) -> Self:
        if self.covariance is not None:
            (gradient, one), (other, offset) = self.covariance
            if one != other or gradient < 0 or offset < 0:
                raise ValueError("covariance must be symmetric with variances of 0 or more")
        return self

    def _facts(self) -> dict[str, str]:
        line = f"{self.gradient_per_kda:.4g} per kDa * mass {self.offset:+.2g}"
        points = ", ".join(rounded(point.mass_kda) for point in self.points) or "none"
        return {"contrast": line, "points": f"{points} kDa", "source": self.source or "not known"}

    def mass_kda(self, contrast: npt.ArrayLike) -> FloatArray:
        """Return the masses (kDa) of `contrast`, negative for unbinding (contrast > 0).

        ``m = (c - offset) / gradient`` for c < 0 and ``m = (c + offset) / gradient`` for
        c > 0, so that m(-c) = -m(c) exactly.
        """
        c = np.asarray(contrast, dtype=np.float64)
        return np.asarray((c + np.sign(c) * self.offset) / self.gradient_per_kda)

    def contrast(self, mass_kda: npt.ArrayLike) -> FloatArray:
        """Return the contrast of `mass_kda` (kDa), what the method `mass_kda` inverts.

        Masses below offset over gradient (its size) lie within the offset: no event has them.
        """
        m = np.asarray(mass_kda, dtype=np.float64)
        return np.asarray(self.gradient_per_kda * m + np.sign(m) * self.offset)

    def mass_se_kda(self, contrast: npt.ArrayLike, contrast_se: npt.ArrayLike) -> FloatArray:
        """Return the standard errors (kDa) of the masses of `contrast`.

        With s = +1 for a landing and -1 for an unbinding, m = (c - s o) / g has the
        derivatives 1/g, -m/g and -s/g with respect to c, g and o, and c is independent of
        the line, so to first order::

            var m = (se_c^2 + m^2 var g + var o + 2 s m cov(g, o)) / g^2

        Where the covariance is not known this is the contrast's part alone.
        """
        c = np.asarray(contrast, dtype=np.float64)
        variance = np.square(np.asarray(contrast_se, dtype=np.float64))
        if self.covariance is not None:
            (var_g, cov), (_, var_o) = self.covariance
            m = self.mass_kda(c)
            variance = variance + m**2 * var_g + var_o - 2 * np.sign(c) * m * cov
        return np.asarray(np.sqrt(variance) / abs(self.gradient_per_kda))

    @property
    def r2(self) -> float:
        """Fraction of the points' variance that the line explains; NaN below 2 points."""
        if len(self.points) < 2:
            return float("nan")
        m, c = self._points()
        rest = c - (self.gradient_per_kda * m + self.offset)
        return float(1 - np.sum(rest**2) / np.sum((c - c.mean()) ** 2))

    @property
    def max_relative_residual(self) -> float:
        """Largest relative error of a point's mass on the line; NaN without points."""
        if not self.points:
            return float("nan")
        m, c = self._points()
        return float(np.max(np.abs(self.mass_kda(c) / m - 1)))

    def _points(self) -> tuple[FloatArray, FloatArray]:
        return (
            np.array([point.mass_kda for point in self.points]),
            np.array([point.contrast for point in self.points]),
        )

    @property
    def sha256(self) -> str:
        """Hash of the file that `save` writes."""
        return hashlib.sha256(self._text().encode()).hexdigest()

    def _text(self) -> str:
        return self.model_dump_json(indent=2) + "\n"

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the calibration as JSON, whole or not at all.

        Raises `PerrinError` for a file that is there, without `overwrite`.
        """
        with written_file(path, overwrite=overwrite) as partial:
            partial.write_text(self._text(), encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Return the calibration in a JSON file; raises `PerrinError` if it holds none."""
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise PerrinError(
                f"{path}: no readable calibration file: {why_unreadable(error)}. Check the name, "
                "or make one with perrin calibrate."
            ) from error
        if not text.lstrip().startswith("{"):
            why = "it is no calibration of perrin, which is JSON. Make one with perrin calibrate"
            raise PerrinError(f"{path}: not valid: {why}.")
        try:
            loaded = cls.model_validate_json(text)
        except ValidationError as error:
            raise PerrinError(_said(str(path), error)) from error
        with about(path):
            check_gradient(loaded.gradient_per_kda)
        return loaded

    @classmethod
    def from_embedded(cls, embedded: Mapping[str, Any]) -> Self:
        """Return the calibration that `read_events` found in a file (``attrs["calibration"]``).

        Vendor files store no covariance; it is made from the scatter of three or more
        points if these give back the stored line. Raises `PerrinError` if a value is
        missing or impossible.
        """
        try:
            stored = cls.model_validate(dict(embedded))
        except ValidationError as error:
            raise PerrinError(_said("the calibration in the file", error)) from error
        check_gradient(stored.gradient_per_kda)
        if stored.covariance is not None or len(stored.points) < 3:
            return stored
        m, c = stored._points()
        gradient, offset, covariance = fit_line(m, c, None)
        expected = np.array([stored.gradient_per_kda * mass + stored.offset for mass in m])
        given_back = np.abs(gradient * m + offset - expected) <= _SAME_LINE * np.abs(expected)
        return stored.model_copy(update={"covariance": covariance}) if given_back.all() else stored


def calibrate(
    masses_kda: npt.ArrayLike,
    contrasts: npt.ArrayLike,
    *,
    contrast_se: npt.ArrayLike | None = None,
    labels: Sequence[str] | None = None,
    recorded: Mapping[str, Any] | Recorded | None = None,
    source: str = "",
    source_sha256: str | None = None,
) -> Calibration:
    """Return the calibration line through calibrants of known mass.

    masses_kda, contrasts: (n,), n >= 2, contrast negative (landings); contrast_se (n,):
    standard errors of the contrasts. Least squares of contrast on mass, weighted by
    1 / contrast_se^2 if these are given. The covariance follows from the given errors,
    widened where the points scatter more than these allow (by chi^2 / (n - 2), if above 1);
    without errors it follows from the scatter, and with 2 points and no errors there is none.

    Raises `PerrinError` for fewer than 2 points, equal masses, NaN, positive contrasts,
    contrasts that do not get more negative with mass and lines that no protein gives
    (`check_gradient`).
    """
    m, c, se = checked_points(masses_kda, contrasts, contrast_se)
    names = list(labels) if labels is not None else [""] * len(m)
    if len(names) != len(m):
        raise PerrinError(f"{len(names)} labels for {len(m)} points; give one for each.")
    gradient, offset, covariance = fit_line(m, c, se)
    check_gradient(gradient)
    return Calibration(
        gradient_per_kda=gradient,
        offset=offset,
        covariance=covariance,
        points=tuple(
            CalibrationPoint(
                mass_kda=float(m[i]),
                contrast=float(c[i]),
                contrast_se=None if se is None else float(se[i]),
                label=names[i],
            )
            for i in range(len(m))
        ),
        recorded=_recorded(recorded),
        source=source,
        source_sha256=source_sha256,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def check_gradient(gradient_per_kda: float) -> None:
    """Raise `PerrinError` for a line that no protein gives, because a unit is another.

    Proteins give 2e-5 to 8e-5 of contrast per kDa; percent, Da and MDa are factors of 100 and
    1000 away.
    """
    low, high = PER_KDA
    size = abs(gradient_per_kda)
    if low <= size <= high:
        return
    said = f"the calibration line has {size:.3g} of contrast per kDa {PROTEINS}"
    if size < low:
        raise PerrinError(
            f"{said}: are the masses in Da? Divide them by 1000, or give them in kDa."
        )
    if size < 100 * high / 4:
        raise PerrinError(
            f"{said}: are the contrasts in percent? They are fractions: divide them by 100."
        )
    raise PerrinError(
        f"{said}: are the masses in MDa, or the contrasts in thousandths? Masses are in kDa and "
        "contrasts are fractions."
    )


def _recorded(recorded: Mapping[str, Any] | Recorded | None) -> Recorded:
    if isinstance(recorded, Recorded):
        return recorded
    try:
        return Recorded.model_validate(dict(recorded or {}))
    except ValidationError as error:
        raise PerrinError(_said("the settings of the measurement", error)) from error


def _said(what: str, error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    why = f"{place}: {first['msg']}" if place else first["msg"]
    return f"{what}: not valid ({why}). Correct it or make a new one."


def check_recorded(calibration: Calibration, recorded: Mapping[str, Any] | Recorded) -> None:
    """Raise `PerrinError` where the calibrant was recorded with other settings.

    Compared are n_avg, frame interval, pixel size (both within 1%) and instrument, each
    where both sides know it. To use the calibration nevertheless, do not call this.
    """
    sample = _recorded(recorded)
    differences = []
    for name in Recorded.model_fields:
        calibrant, measured = getattr(calibration.recorded, name), getattr(sample, name)
        if calibrant is None or measured is None or calibrant == measured:
            continue
        close = isinstance(calibrant, float) and bool(
            np.isclose(calibrant, measured, rtol=_SAME_SETTING, atol=0)
        )
        if not close:
            differences.append(f"{name} {calibrant} there, {measured} here")
    if differences:
        raise PerrinError(
            f"the calibration was recorded with other settings: {'; '.join(differences)}. "
            "Contrast depends on them: record the calibrant as the sample, or say that you "
            "want it nevertheless (--allow-calibration-mismatch on the command line, "
            "check_calibration=False in Python)."
        )


def extrapolated(calibration: Calibration, masses_kda: npt.ArrayLike) -> float:
    """Return the fraction of masses, of either sign, that lie far outside the calibrants.

    Outside is below half the lightest or above 1.5 times the heaviest calibrant. NaN where
    there are no masses or the calibration keeps no points.
    """
    m = np.abs(np.asarray(masses_kda, dtype=np.float64))
    m = m[np.isfinite(m)]
    if not len(m) or not calibration.points:
        return float("nan")
    known = [point.mass_kda for point in calibration.points]
    return float(np.mean((m < _SPAN[0] * min(known)) | (m > _SPAN[1] * max(known))))


def apply_calibration(events: pd.DataFrame, calibration: Calibration) -> pd.DataFrame:
    """Return `events` with `mass_kda`, and `mass_se_kda` where `contrast_se` is known.

    ``attrs["calibration"]`` and sentences in ``attrs["notes"]`` travel with the table: what
    speaks against the calibration, that more than 5% of the events lie beyond the calibrants, that
    the line's own error is not known.

    Raises `PerrinError` for a table without any contrast, and for contrasts in percent.
    """
    check_events(events)
    contrast = events["contrast"].to_numpy(dtype=np.float64)
    if len(contrast) and np.isnan(contrast).all():
        raise PerrinError(
            "the table holds no contrasts (masses only), so no calibration can be applied. "
            "Export it with contrasts, or use its masses as they are."
        )
    check_fractions(contrast, calibration)
    calibrated = events.copy()
    calibrated["mass_kda"] = calibration.mass_kda(contrast)
    doubts = [f"of the calibration: {note}" for note in calibration.notes]
    notes = list(dict.fromkeys([*events.attrs.get("notes", ()), *doubts]))
    if "contrast_se" in events.columns:
        calibrated["mass_se_kda"] = calibration.mass_se_kda(contrast, events["contrast_se"])
        if calibration.covariance is None:
            notes.append(
                "mass errors come from the contrast alone: two calibrants without errors do "
                "not say how uncertain the calibration line is"
            )
    else:
        calibrated = calibrated.drop(columns="mass_se_kda", errors="ignore")
    beyond = extrapolated(calibration, calibrated["mass_kda"])
    if beyond > _FEW:
        known = [point.mass_kda for point in calibration.points]
        notes.append(
            f"{beyond:.0%} of the events have masses far outside the calibrants "
            f"({min(known):g} to {max(known):g} kDa): extrapolated"
        )
    calibrated = order_columns(calibrated)
    calibrated.attrs = dict(events.attrs) | {
        "calibration": calibration.model_dump(mode="json"),
        "notes": notes,
    }
    return calibrated


def apply_embedded(events: pd.DataFrame) -> pd.DataFrame:
    """Return `events` with masses from the calibration that their file embeds.

    A workspace whose movies were calibrated differently gets each movie's own. Raises
    `PerrinError` where a measurement has no calibration.
    """
    by_measurement = events.attrs.get("calibrations")
    if by_measurement is None:
        if "calibration" not in events.attrs:
            raise PerrinError(
                "the events' file embeds no calibration; give one with --calibration (made "
                "with perrin calibrate)."
            )
        return apply_calibration(events, Calibration.from_embedded(events.attrs["calibration"]))
    missing = sorted(set(events["measurement"]) - set(by_measurement))
    if missing:
        raise PerrinError(
            f"the file embeds no calibration for {', '.join(missing)}; give one with --calibration."
        )
    parts, notes = [], list(events.attrs.get("notes", ()))
    for name, part in events.groupby("measurement", sort=False):
        part.attrs = {}
        part = apply_calibration(part, Calibration.from_embedded(by_measurement[name]))
        notes += [f"{name}: {note}" for note in part.attrs["notes"]]
        part.attrs = {}
        parts.append(part)
    calibrated = pd.concat(parts).sort_index()
    calibrated.attrs = dict(events.attrs) | {"notes": notes}
    return calibrated
