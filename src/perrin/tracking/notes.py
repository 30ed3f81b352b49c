"""What a user should know of a tracked movie, a sentence each."""

from __future__ import annotations

import numpy as np
import pandas as pd

from perrin.io.movie import Movie
from perrin.settings.tracking import TrackingSettings
from perrin.tracking.correlation import noise_correlation
from perrin.tracking.link import AMBIGUOUS, LinkingResult
from perrin.tracking.locate import LABELS
from perrin.tracking.stream import Seen

_CHANCE = 0.5  # spots in a frame: so few, and no track, are noise
_MERGED = LABELS.index("merged")


def notes_of(
    movie: Movie,
    settings: TrackingSettings,
    seen: Seen,
    positions: pd.DataFrame,
    linked: LinkingResult | None,
    tracks: pd.DataFrame,
    particles: pd.DataFrame,
    *,
    removed: bool,
) -> list[str]:
    """Return what a user should know, a sentence each."""
    chance = not len(tracks) and len(positions) < _CHANCE * movie.n_frames
    if seen.appearance is None or linked is None or chance:
        stray = f" but {len(positions)} spots that are nowhere followed" if len(positions) else ""
        return [
            f"no particle found in {movie.n_frames} frames: nothing stands out by "
            f"{settings.locate.threshold:g} times the noise{stray}. Look at the movie, check "
            "--contrast and --kind, or lower --threshold"
        ]
    notes = []
    if settings.contrast is None and settings.kind != "molecules":
        told = "darker" if seen.appearance.sign < 0 else "brighter"
        notes.append(f"particles are {told} than their surroundings, by the look of the movie")
    merged = int((positions["label"] == LABELS[_MERGED]).sum())
    if merged:
        notes.append(
            f"{merged} of {len(positions)} positions look like two particles in one; tracks "
            "have a gap there (label 'merged' in positions.csv)"
        )
    notes += _linking_notes(linked, settings, tracks_kept=len(particles))
    notes += _background_notes(movie, settings, seen, particles)
    if seen.drift is None:
        notes.append("the support has no structure to see a drift of the stage by")
    elif removed:
        far = float(np.hypot(seen.drift.x, seen.drift.y).max() * movie.pixel_nm)
        notes.append(f"the stage drifts by up to {far:.3g} nm; taken off (--keep-drift leaves it)")
    alike = noise_correlation(movie)
    if alike.clear:
        notes.append(
            f"the noise of neighboring pixels is correlated ({alike.neighbors:.2f} at one pixel, "
            "as by a detector that spreads its signal, compression or resampling): positions are "
            f"about {alike.factor:.1f} times less sure than their stated errors"
        )
    if settings.exposure is None:
        notes.append("the exposure was not given, so motion blur is not known (--exposure)")
    return notes


def _linking_notes(
    linked: LinkingResult, settings: TrackingSettings, *, tracks_kept: int
) -> list[str]:
    notes = []
    if linked.wrong_fraction > AMBIGUOUS:
        notes.append(
            f"linking is ambiguous: about {linked.wrong_fraction:.0%} of the links are wrong "
            f"(steps of {linked.steps.step_px:.2g} px, {linked.steps.spacing_px:.2g} px "
            "from particle to particle). Record fewer particles or more frames a second"
        )
    short = len(np.unique(linked.particle)) - tracks_kept
    if short:
        notes.append(
            f"left out as too short: {short} with fewer than {settings.link.min_positions} "
            "positions"
        )
    return notes


def _background_notes(
    movie: Movie, settings: TrackingSettings, seen: Seen, particles: pd.DataFrame
) -> list[str]:
    half = min(settings.median.window_frames, movie.n_frames) // 2
    notes = []
    if settings.kind == "molecules":
        notes.append(
            f"a molecule that rests for more than {half} frames is part of the background and not "
            f"seen; {seen.ghosts} spots of the opposite contrast were left by such"
        )
        if seen.unsettled > 0.01:
            notes.append(
                f"the sum of all contrasts still grew by {seen.unsettled:.1%} in the last round: "
                "molecules are slow against the background's window; raise --window-frames"
            )
    elif len(particles):
        immobile = int((particles["immobile"] & (particles["positions"] > half)).sum())
        if immobile:
            notes.append(
                f"{immobile} particles rest for more than {half} frames; they were kept out of the "
                "background and are tracked (column 'rests' in particles.csv)"
            )
    return notes
