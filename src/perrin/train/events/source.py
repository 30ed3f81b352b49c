"""Where training events come from: an instrument, or many that vary about one."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from perrin.io import open_movie
from perrin.landing.exchange import PsfExchange
from perrin.optics.psf import Psf
from perrin.settings.simulation import ThumbnailSettings
from perrin.simulate.thumbnail_simulator import Centering, ThumbnailSimulator

WIDER = 1.15
"""Largest factor on the width of the PSF of a varied instrument, and its inverse the least."""
VARIED: dict[str, dict[str, float]] = {
    "instrument": {"pixel_nm": 1.2, "camera_rate_hz": 1.25, "contrast_per_kda": 1.25},
    "camera": {"electrons": 2.0},
    "background": {
        "speckle_contrast": 1.7,
        "drift_nm_per_sqrt_s": 1.7,
        "drift_nm_per_s": 1.7,
        "vibration_nm": 1.7,
        "dynamic_contrast": 1.7,
        "dynamic_time_s": 1.7,
        "focus_contrast": 1.5,
    },
}
"""The same for the other settings of a varied instrument; uniform in the logarithm."""


def no_exchange(_psf: Psf) -> PsfExchange | None:
    """Leave the PSF as it is."""
    return None


@dataclass(frozen=True)
class Source:
    """An instrument of one's own to learn from; by default the simulator's."""

    settings: ThumbnailSettings = field(default_factory=ThumbnailSettings)
    """Instrument, surface and motions; n_avg is replaced."""
    psf: str | None = None
    """File of an empirical PSF."""
    buffer: str | None = None
    """Recorded buffer movie, instead of the background model."""
    movie_options: dict[str, Any] = field(default_factory=dict)
    """What `perrin.io.open_movie` has to be told of that movie."""
    exchange: Callable[[Psf], PsfExchange | None] = no_exchange
    """From the PSF of the landings to what an analysis exchanges it with."""

    def describe(self) -> dict[str, Any]:
        """Return it as plain values, to be kept beside what was trained on it."""
        return {
            "settings": self.settings.model_dump(mode="json"),
            "psf": "analytic" if self.psf is None else Path(self.psf).name,
            "buffer": "model" if self.buffer is None else Path(self.buffer).name,
        }

    @contextmanager
    def simulator(
        self, n_avg: int, *, centering: Centering, seed: np.random.SeedSequence
    ) -> Iterator[ThumbnailSimulator]:
        """Open what the source names, and give the place where events are recorded."""
        with ExitStack() as stack:
            movie = None
            if self.buffer is not None:
                movie = stack.enter_context(open_movie(self.buffer, **self.movie_options))
            simulator = ThumbnailSimulator.of(
                self.settings.model_copy(update={"n_avg": n_avg}),
                centering=centering,
                background=movie,
                psf=None if self.psf is None else Psf.load(self.psf),
                seed=seed,
            )
            yield replace(simulator, exchange=self.exchange(simulator.psf))


def leave_ctrl_c() -> None:
    """Leave Ctrl-C to the process that trains: it saves before it stops."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def varied(plain: ThumbnailSettings, *, rng: np.random.Generator) -> ThumbnailSettings:
    """Return another instrument: optics, camera, surface and stage, each within `VARIED`.

    More light comes with a camera that holds it: the mean count stays the same.
    """

    def near(group: str) -> dict[str, float]:
        values = getattr(plain, group).model_dump()
        return {
            name: float(values[name] * np.exp(rng.uniform(-1, 1) * np.log(factor)))
            for name, factor in VARIED[group].items()
        }

    wider = np.exp(rng.uniform(-1, 1) * np.log(WIDER))
    optics = plain.instrument.optics
    scaled = {
        "wavelength_nm": optics.wavelength_nm * wider,
        "envelope_nm": optics.envelope_nm * wider,
    }
    instrument = near("instrument") | {"optics": optics.model_dump() | scaled}
    camera = near("camera")
    more = camera["electrons"] / plain.camera.electrons
    camera["electrons_per_count"] = plain.camera.electrons_per_count * more
    changes = {"instrument": instrument, "camera": camera, "background": near("background")}
    values = plain.model_dump()
    for group, change in changes.items():
        values[group] |= change
    return ThumbnailSettings.model_validate(values)
