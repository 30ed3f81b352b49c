"""Located particles of gold while those that lie across each other are told apart."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from perrin.tracking.appearance import Appearance
from perrin.tracking.found import EDGE, MERGED, TOUCHING, LocalizationResult, join
from perrin.tracking.shape import ANGLE, FLAT, HALF, WIDTH, A, X, Y
from perrin.types import FloatArray, IntArray

LOOKS = [A, HALF, WIDTH, FLAT]
"""What a particle keeps, as places of parameters."""
_TRUSTED, _ALONE = 5, 2  # positions of a track, and by itself: fewer may be a piece of another


@dataclass
class Found:
    """One particle of a frame: the row it was located as, -1 for none, and what it is now."""

    row: int
    number: int
    label: int
    values: FloatArray
    errors: FloatArray | None = None
    noise: float = 0.0


@dataclass
class Table:
    """Particles by frame; `looks` of the tracks that are trusted.

    Their errors are None, and their rows stay as they were located, until they are fitted again.
    """

    at: dict[int, list[Found]]
    looks: dict[int, FloatArray] = field(default_factory=dict)

    @classmethod
    def of(cls, located: LocalizationResult, number: IntArray, seen: Appearance) -> Table:
        """Return a table of what is no edge, with the track of each (N,)."""
        values = np.zeros((len(located), 8))
        values[:, A], values[:, X], values[:, Y] = np.abs(located.contrast), located.x, located.y
        values[:, ANGLE] = np.nan_to_num(located.angle)
        values[:, [HALF, WIDTH, FLAT]] = located.shape
        table = cls({})
        for row in np.flatnonzero(located.label != EDGE).tolist():
            one = Found(row, int(number[row]), int(located.label[row]), values[row])
            table.at.setdefault(int(located.frame[row]), []).append(one)
        assert seen.shape is not None  # noqa: S101 - gold
        shape = seen.shape
        usual = np.array([seen.amplitude, shape.half, shape.width, shape.flat])
        single = np.flatnonzero((located.label != EDGE) & (located.label != MERGED))
        single = single[np.argsort(number[single], kind="stable")]
        for track in np.split(single, np.flatnonzero(np.diff(number[single])) + 1):
            rows = track[located.label[track] == 0]
            if len(track) >= _TRUSTED and len(rows) >= _ALONE:
                table.looks[int(number[rows[0]])] = (
                    np.median(values[rows][:, LOOKS], axis=0) if seen.varied else usual
                )
        return table

    def located(self, before: LocalizationResult, seen: Appearance) -> LocalizationResult:
        """Return `before` with what was fitted again, in order of frames."""
        label, errors_px = before.label.copy(), [before.x_se.copy(), before.y_se.copy()]
        for one in (one for found in self.at.values() for one in found if one.errors is None):
            if one.label != label[one.row]:  # as where two look like one (`perrin.tracking.locate`)
                label[one.row] = one.label
                for column in errors_px:
                    column[one.row] = np.hypot(column[one.row], seen.extent_px / 2)
        before = replace(before, label=label, x_se=errors_px[0], y_se=errors_px[1])
        new = [(t, one) for t, found in self.at.items() for one in found if one.errors is not None]
        kept = np.zeros(len(before), bool)
        kept[before.label == EDGE] = True
        kept[[one.row for found in self.at.values() for one in found if one.errors is None]] = True
        if not new:
            return before[kept]
        values = np.array([one.values for _, one in new])
        errors = np.array([one.errors for _, one in new]) * seen.scale.at(values[:, ANGLE])
        rods = seen.kind == "rods"
        nan = np.full(len(new), np.nan)
        found = LocalizationResult(
            frame=np.array([t for t, _ in new], np.int64),
            x=values[:, X],
            y=values[:, Y],
            x_se=errors[:, X],
            y_se=errors[:, Y],
            contrast=seen.sign * values[:, A],
            contrast_se=errors[:, A],
            angle=values[:, ANGLE] % np.pi if rods else nan,
            angle_se=errors[:, ANGLE] if rods else nan,
            noise=np.array([one.noise for _, one in new]),
            label=np.array([one.label for _, one in new], np.int64),
            shape=values[:, [HALF, WIDTH, FLAT]],
        )
        every = join([before[kept], found])
        return every[np.argsort(every.frame, kind="stable")]


def is_single(one: Found) -> bool:
    """Whether this is no two in one."""
    return one.label != MERGED


def fitted(one: Found, values: FloatArray, errors: FloatArray, noise: float) -> Found:
    """Return what was found of a particle that touches others."""
    return Found(one.row, one.number, TOUCHING, values, errors, noise)
