"""One simulated movie through the steps of `perrin landings`, with the truth of every event."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perrin.io.movie import Movie
from perrin.landing.classifier.classification import filter_by_score
from perrin.landing.classifier.classify import classify
from perrin.landing.classifier.prevalence import prevalence
from perrin.landing.fit import fit
from perrin.landing.networks import Classifier
from perrin.landing.persistence import measure_persistence, persistence_n_avg
from perrin.landing.thumbnails import THUMBNAIL_PX, half_length
from perrin.mass.calibration import Calibration, apply_calibration
from perrin.optics.pupil import psf_of
from perrin.pipeline.events import find_events
from perrin.settings.planned import PlannedMeasurement
from perrin.settings.scores import ScoreSettings
from perrin.simulate.matching import is_accepted, is_isolated, match_landings
from perrin.types import BoolArray

NOTHING = "nothing"
"""Motion of an event where no molecule landed: noise, a ring, a second detection."""

_EVENTS = (
    "frame",
    "x_px",
    "y_px",
    "contrast",
    "contrast_noise",
    "snr_spatial",
    "snr_temporal",
    "mass_kda",
    "fit_residual",
    "label",
    "score_binder",
    "p_binder",
)
_PERSISTENCE_CHECKED = ("persistence_contrast", "late_contrast", "late_contrast_se", "still_there")
_ALL = 0.0  # threshold that no score fails: what is retained then is all that can be


@dataclass(frozen=True)
class Measured:
    """A measurement and its truth."""

    name: str
    """Of the measurement."""
    events: pd.DataFrame
    """Every detected event: columns of the events table, ``label`` (predicted class), and
    ``fitted``: it enters the spectrum before any filter; ``single``: it can be retained (fitted,
    scored, no second detection of one landing); ``motion`` and ``species`` of the molecule that it
    is the event of, or ``nothing``; ``perfect``: that one is a binder alone in its thumbnail, what
    the perfect filter keeps; ``isolated``: a binder with no other landing within 6 px and 2 n_avg
    frames, or a perfect one."""
    molecules: pd.DataFrame
    """Every molecule that landed where events are looked for: ``species``, ``mass_kda``,
    ``motion``, ``perfect``, ``isolated`` and ``event``, its row in `events`, -1 where it was not
    found."""
    fractions: dict[str, float]
    """Estimated fraction of each class among the scored landings."""
    seconds: float
    area_um2: float
    """seconds, area_um2: time and area in which events are looked for."""
    cpu_s: float = 0.0
    """CPU time that simulation and analysis took."""

    @property
    def landing(self) -> BoolArray:
        """Fitted landings (N,)."""
        landing: BoolArray = (self.events["fitted"] & (self.events["contrast"] < 0)).to_numpy(bool)
        return landing

    def kept(self, threshold: float) -> BoolArray:
        """Events (N,) that the classifier retains at a threshold on ``score_binder``."""
        passing: BoolArray = (self.events["score_binder"] >= threshold).to_numpy(bool)
        kept: BoolArray = passing & self.events["single"].to_numpy(bool)
        return kept


def analyze(
    movie: Movie, truth: pd.DataFrame, *, planned: PlannedMeasurement, model: Classifier
) -> Measured:
    """Analyze a simulated movie as `perrin landings` does and match its events to the truth.

    Masses come from the line that the movie was simulated with, so that the error of a
    calibration does not enter.
    """
    instrument, landing = planned.assay.instrument, planned.landing
    psf = psf_of(instrument)
    events = find_events(movie, settings=landing, psf=psf)
    line = Calibration(
        gradient_per_kda=instrument.contrast_per_kda, offset=0.0, source="the simulation's own line"
    )
    found = classify(movie, apply_calibration(events, line), model=model, n_avg=landing.n_avg)
    everything = filter_by_score(
        found.events, n_avg=landing.n_avg, settings=ScoreSettings(threshold=_ALL)
    )
    table = found.events
    names = list(_EVENTS)
    if landing.persistence_ms is not None:
        n = persistence_n_avg(landing.persistence_ms, movie, n_avg=landing.n_avg)
        table = measure_persistence(movie, table, n_avg=landing.n_avg, n_persistence=n, psf=psf)
        names += list(_PERSISTENCE_CHECKED)
    table = table[names].assign(fitted=found.events["retained"], single=everything.single)
    table, molecules = _with_truth(table, truth, movie, n_avg=landing.n_avg)
    for n in planned.refits:
        again = apply_calibration(fit(movie, events, fit_n_avg=n, psf=psf), line)
        fitted = (again["label"] == "").to_numpy(bool)
        table[refit_column(n)] = np.where(fitted, again["mass_kda"].to_numpy(float), np.nan)
    fractions = prevalence(found.balanced, model.confusion)
    lost = 2 * landing.n_avg + 3  # frames at the ends: see `is_accepted`
    inner = (movie.height - 12) * (movie.width - 12)
    return Measured(
        name=planned.name,
        events=table,
        molecules=molecules,
        fractions=dict(zip(model.classes, map(float, fractions), strict=True)),
        seconds=(movie.n_frames - lost) * movie.frame_interval_s,
        area_um2=inner * (movie.pixel_nm / 1000) ** 2,
    )


def refit_column(n_avg: int) -> str:
    """Column of the masses fitted once more, NaN where there is none."""
    return f"mass_kda_at_{n_avg}"


def _with_truth(
    table: pd.DataFrame, truth: pd.DataFrame, movie: Movie, *, n_avg: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The events with what is true of each, and the molecules that landed."""
    if not len(truth):
        return table.assign(perfect=False, isolated=False, motion=NOTHING, species=""), truth
    molecules, kind, row = _matched(truth, table, movie, n_avg=n_avg)
    of = truth.iloc[np.maximum(row, 0)].reset_index(drop=True)
    motion, species = of["motion"].where(row >= 0, NOTHING), of["species"].where(row >= 0, "")
    return table.assign(**kind, motion=motion, species=species), molecules


def _matched(
    truth: pd.DataFrame, events: pd.DataFrame, movie: Movie, *, n_avg: int
) -> tuple[pd.DataFrame, dict[str, BoolArray], NDArray[np.int64]]:
    """Accepted molecules; what each event (N,) is; row in `truth` of each, or -1.

    An event that several molecules find belongs to an isolated binder, if one is among them.
    """
    stays = (truth["motion"] == "binder").to_numpy()
    alone = stays & alone_in_thumbnail(truth, n_avg=n_avg)
    isolated = alone | (stays & is_isolated(truth, n_avg=n_avg))
    event = match_landings(truth, events)
    row = np.full(len(events), -1, np.int64)
    for wanted in (~isolated, isolated & ~alone, alone):  # the last one wins
        molecule = np.flatnonzero((event >= 0) & wanted)
        row[event[molecule]] = molecule
    is_one = {"perfect": alone, "isolated": isolated}
    kind = {name: (row >= 0) & which[np.maximum(row, 0)] for name, which in is_one.items()}
    molecules = truth[["species", "mass_kda", "motion"]].assign(**is_one, event=event)
    inside = is_accepted(truth, movie, n_avg=n_avg)
    return molecules[inside].reset_index(drop=True), kind, row


def alone_in_thumbnail(truth: pd.DataFrame, *, n_avg: int) -> BoolArray:
    """Whether no other molecule lands or leaves in the thumbnail of each (N,).

    That is within 8.5 px and 20 frames of its landing, or n_avg frames if that is longer: a
    binder of which this is true is of the class ``binder``, else ``neighbors`` (paper 002,
    Table 1). A molecule that leaves that soon is not alone, but no binder either.
    """
    from scipy.spatial import cKDTree

    half = THUMBNAIL_PX / 2
    scale = np.array([half, half, half_length(n_avg)])
    landing = truth[["x_px", "y_px"]].assign(at=truth["frame"] + truth["phase"]).to_numpy(float)
    leaves = np.isfinite(truth["end_frame"].to_numpy(float))
    leaving = truth.loc[leaves, ["end_x_px", "end_y_px", "end_frame"]].to_numpy(float)
    tree = cKDTree(np.concatenate([landing, leaving]) / scale)
    near = tree.query_ball_point(landing / scale, 1.0, p=np.inf, return_length=True)
    alone: BoolArray = np.asarray(near == 1)  # itself
    return alone
