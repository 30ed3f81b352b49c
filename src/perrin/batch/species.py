"""Species over many samples: windows of mass, given by name or found in all samples together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import floor
from typing import Any

import numpy as np

from perrin.errors import PerrinError
from perrin.mass.modes import density_grid, find_modes, kernel_density, kernel_widths
from perrin.settings.spectrum import SpectrumSettings
from perrin.types import BoolArray, FloatArray, IntArray

_HALF_WIDTH_KDA = 20.0
_HALF_WIDTH = 0.05  # of the mass: peaks grow wider with it
LEAST_FRACTION = 0.01
"""Of the landings of all samples together (each weighing the same), for a species to be matched."""
_SIGNIFICANCE = 5.0
_EVENTS_OF_A_SAMPLE = 400


@dataclass(frozen=True)
class Window:
    """A species by its mass: whole kDa from `low` to below `high`.

    The name of one that several species share, such as a protein and its complex with a small
    ligand, joins theirs with +.
    """

    name: str
    mass_kda: float
    low: int
    high: int

    @property
    def members(self) -> tuple[str, ...]:
        """The species that are counted in it."""
        return tuple(self.name.split("+"))

    def bins(self, edges: FloatArray) -> BoolArray:
        """Which bins (n,) of a histogram with these edges (n + 1,) it counts."""
        found: BoolArray = (edges[:-1] >= self.low) & (edges[:-1] < self.high)
        return found


def parse_species(text: str) -> tuple[Window, ...]:
    """Return the windows of ``A:66,B:150,AB:216`` or, with bounds, ``A:50-85``.

    Without bounds a window reaches 20 kDa and 5% of the mass to both sides, and at most to the
    middle between two species. Raises `PerrinError` for anything else, and for windows that
    overlap.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    windows = [_window(part, text) for part in parts]
    if not windows:
        raise PerrinError(f"--species is {text!r}; give names with masses in kDa, as A:66,B:150")
    names = [member for window in windows for member in window.members]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise PerrinError(f"--species names {twice[0]!r} twice: {text!r}")
    return _apart(windows, given={part.partition(":")[0].strip() for part in parts if "-" in part})


def _window(part: str, text: str) -> Window:
    name, _, mass = part.partition(":")
    name = name.strip()
    try:
        ends = [float(end) for end in mass.split("-")]
    except ValueError:
        ends = []
    if not name or len(ends) not in (1, 2) or not all(0 < end < float("inf") for end in ends):
        raise PerrinError(
            f"--species {text!r}: {part!r} is no species. Give a name and a mass in kDa, as A:66, "
            "or a name and bounds, as A:50-85"
        )
    if len(ends) == 2:
        if not floor(ends[0]) < floor(ends[1]):
            raise PerrinError(f"--species {text!r}: the window of {name!r} is empty")
        return Window(name, sum(ends) / 2, floor(ends[0]), floor(ends[1]))
    half = _HALF_WIDTH_KDA + _HALF_WIDTH * ends[0]
    return Window(name, ends[0], max(floor(ends[0] - half), 0), floor(ends[0] + half) + 1)


def _apart(windows: Sequence[Window], *, given: set[str]) -> tuple[Window, ...]:
    """Windows that do not overlap: cut halfway between two masses where neither was given."""
    found = sorted(windows, key=lambda window: window.mass_kda)
    for place, (left, right) in enumerate(pairwise(found)):
        left = found[place]
        if left.high <= right.low:
            continue
        if {left.name, right.name} & given:
            raise PerrinError(
                f"the windows of {left.name} ({left.low} to {left.high} kDa) and {right.name} "
                f"({right.low} to {right.high} kDa) overlap; give bounds that do not"
            )
        middle = floor((left.mass_kda + right.mass_kda) / 2)
        if not left.low < middle < right.high or left.mass_kda == right.mass_kda:
            raise PerrinError(f"{left.name} and {right.name} have one mass: give them one window")
        found[place] = Window(left.name, left.mass_kda, left.low, middle)
        found[place + 1] = Window(right.name, right.mass_kda, middle, right.high)
    return tuple(found)


def match_species(found: Sequence[Mapping[str, Any]]) -> tuple[Window, ...]:
    """Return the windows of what all samples together show, each sample weighing the same.

    found: ``found`` of the rows (`perrin.batch.landings.found_in`) that have masses. The species
    are the modes of the kernel density of all of them; none where there are no landings.
    """
    pooled, samples = _pooled(found)
    if not pooled.size:
        return ()
    settings = SpectrumSettings()
    at = density_grid(pooled, kernel=settings.kernel_kda, growth=settings.kernel_growth)
    widths = kernel_widths(at, kernel=settings.kernel_kda, growth=settings.kernel_growth)
    density = kernel_density(pooled, at, widths=widths)
    modes = find_modes(density, at, widths=widths, significance=_SIGNIFICANCE)
    windows = []
    for mode in modes:
        half = _HALF_WIDTH_KDA + _HALF_WIDTH * mode.position
        low = max(floor(max(mode.low, mode.position - half)), 0)
        high = floor(min(mode.high, mode.position + half)) + 1
        inside = np.count_nonzero((pooled >= low) & (pooled < high))
        if inside >= LEAST_FRACTION * _EVENTS_OF_A_SAMPLE * samples and mode.position > 0:
            windows.append(Window(f"{mode.position:.0f} kDa", mode.position, low, high))
    return _apart(windows, given=set())


def _pooled(found: Sequence[Mapping[str, Any]]) -> tuple[FloatArray, int]:
    """Masses of landings, as many of each sample (quantiles of its histogram), and the samples."""
    parts = []
    for one in found:
        edges, counts = landings_of(one)
        total = int(counts.sum())
        if total:
            wanted = (np.arange(_EVENTS_OF_A_SAMPLE) + 0.5) / _EVENTS_OF_A_SAMPLE * total
            parts.append(np.interp(wanted, np.concatenate([[0], np.cumsum(counts)]), edges))
    return (np.concatenate(parts) if parts else np.zeros(0)), len(parts)


def landings_of(found: Mapping[str, Any]) -> tuple[FloatArray, IntArray]:
    """Edges (n + 1,) and counts (n,) of the landings' histogram, 1 kDa a bin, from 0."""
    stored = found.get("histogram") or {"first": 0, "counts": []}
    first, counts = int(stored["first"]), np.asarray(stored["counts"], np.int64)
    skipped = min(max(-first, 0), len(counts))
    counts = counts[skipped:]
    return np.arange(len(counts) + 1, dtype=np.float64) + first + skipped, counts
