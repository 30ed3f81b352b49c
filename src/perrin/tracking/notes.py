"""What a user should know of a tracked movie, a sentence each."""

from __future__ import annotations

import numpy as np
import pandas as pd

from perrin.io.movie import Movie
from perrin.settings.tracking import TrackingSettings
from perrin.tracking.appearance import Appearance
from perrin.tracking.found import EDGE, LABELS, MERGED, TOUCHING
from perrin.tracking.fragments import MOST_FRAMES
from perrin.tracking.link import AMBIGUOUS, LinkingResult
from perrin.tracking.stream import Seen

_CHANCE = 0.5  # spots in a frame: so few, and no track, are noise
_MANY = 0.1  # of the positions
_DENSE = 3.0  # lengths of a particle from one to the next
_LARGE_PX = 12.0


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
    looked = settings.kind != "molecules" or seen.appearance.sign != movie.landing_sign
    if settings.contrast is None and looked:
        told = "darker" if seen.appearance.sign < 0 else "brighter"
        notes.append(f"particles are {told} than their surroundings, by the look of the movie")
    notes += _touching_notes(positions)
    notes += _merged_notes(positions, linked, seen.appearance)
    notes += _edge_notes(positions)
    notes += _linking_notes(linked, settings, tracks_kept=len(particles))
    notes += _fragment_notes(particles)
    notes += _background_notes(movie, settings, seen, particles)
    notes.append(_drift_note(movie, seen, removed=removed))
    notes += _noise_notes(seen.appearance)
    if settings.exposure is None:
        notes.append("the exposure was not given, so motion blur is not known (--exposure)")
    return notes


def _drift_note(movie: Movie, seen: Seen, *, removed: bool) -> str:
    if seen.drift is None:
        return (
            "the support has no structure that tells a drift of the stage, and too few particles "
            "move to see it by them"
        )
    far = np.hypot(seen.drift.x, seen.drift.y)
    most = int(far.argmax())
    amount = f"{far[most] * movie.pixel_nm:.3g} ± {seen.drift.se[most] * movie.pixel_nm:.2g} nm"
    done = "taken off (--keep-drift leaves it)" if removed else "left in the tracks"
    if seen.drift.doubted:
        return (
            f"the support seems to drift by up to {amount}, but the particles do not move with "
            "it: nothing is taken off. Look at the movie; clouds in the liquid look like that"
        )
    if not seen.drift.significant:
        return f"no drift is seen: {amount} by the {seen.drift.by}"
    if seen.drift.by == "support":
        return f"the stage drifts by up to {amount}; {done}"
    return (
        "the support has no structure that tells a drift of the stage; the particles move together "
        f"by up to {amount}, by the stage or with the liquid; {done}"
    )


def _touching_notes(positions: pd.DataFrame) -> list[str]:
    """Say that many positions touch others, and what that does to their errors."""
    touching = positions["label"] == LABELS[TOUCHING]
    if touching.mean() <= _MANY or touching.all():
        return []
    ratio = float(positions["x_se"][touching].mean() / positions["x_se"][~touching].median())
    return [
        f"{int(touching.sum())} of {len(positions)} positions touch other particles (label "
        f"'touching'): their stated errors are {ratio:.1f} times as large on average, and those "
        "within a radius of another may still be somewhat too small"
    ]


def _merged_notes(
    positions: pd.DataFrame, linked: LinkingResult, appearance: Appearance
) -> list[str]:
    """Say how many positions are two particles in one, and where many are, why that may be."""
    merged = int((positions["label"] == LABELS[MERGED]).sum())
    if not merged:
        return []
    said = (
        f"{merged} of {len(positions)} positions look like two particles in one; tracks "
        "have a gap there (label 'merged' in positions.csv)"
    )
    if merged <= _MANY * len(positions):
        return [said]
    apart = linked.steps.spacing_px / (2 * appearance.extent_px)
    if apart < _DENSE:
        cause = (
            f"particles are {apart:.1f} of their own lengths apart on average: dilute the sample "
            "or magnify more"
        )
    elif appearance.radius_px > _LARGE_PX:
        cause = (
            f"they are large ({2 * appearance.radius_px:.0f} px wide), so that their own structure "
            "shows: --bin 2 or more leaves that out"
        )
    else:
        cause = "they do not look like one shape (other --kind, wrong focus, halos?)"
    return [f"{said}. That is much; likely {cause}"]


def _edge_notes(positions: pd.DataFrame) -> list[str]:
    """Say how much of what was located is the support itself."""
    edges = int((positions["label"] == LABELS[EDGE]).sum())
    if not edges:
        return []
    return [
        f"{edges} of {len(positions)} spots have another contrast than the particles and lie where "
        "the background itself changes by as much nearby: edges of the support that drift or "
        "shake. They are in no track (label 'edge' in positions.csv); a particle of another size "
        "is not followed there either"
    ]


def _noise_notes(appearance: Appearance) -> list[str]:
    notes = []
    noise = appearance.noise
    if noise.clear:
        notes.append(
            f"the noise of neighboring pixels is correlated ({noise.neighbors:.2f} at one pixel, "
            "as by a detector that spreads its signal, compression or resampling): the stated "
            f"errors of positions are {appearance.scale.of_positions:.1f} times those of noise "
            "without"
        )
    if noise.smoothed_in_time:
        notes.append(
            f"the noise of a frame goes on in the next one (correlation {noise.in_time:.2f}): the "
            "movie was smoothed in time, as video compression, a denoiser or a running mean do it. "
            "Positions lag behind the particles and steps are too short: D and exponents of such "
            "a movie are wrong, and no error says by how much; track the recording itself"
        )
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


def _fragment_notes(particles: pd.DataFrame) -> list[str]:
    """Say which tracks are pieces of one particle."""
    pieces = particles["continues"].dropna() if len(particles) else ()
    if not len(pieces):
        return []
    said = "1 track goes" if len(pieces) == 1 else f"{len(pieces)} tracks go"
    return [
        f"{said} on, most likely, with the particle of another that ended up to {MOST_FRAMES} "
        "frames before (column 'continues' of particles.csv): fragments of one particle are no "
        "particles of their own. `perrin edit-tracks` takes back tracks that were joined by hand"
    ]


def _background_notes(
    movie: Movie, settings: TrackingSettings, seen: Seen, particles: pd.DataFrame
) -> list[str]:
    half = min(settings.median.window_frames, movie.n_frames) // 2
    notes = []
    if settings.kind == "molecules":
        notes.append(
            f"a molecule that is immobile for more than {half} frames is part of the background "
            f"and not seen; {seen.ghosts} spots of the opposite contrast were left by such"
        )
        if seen.unsettled > 0.01:
            notes.append(
                f"the sum of all contrasts still grew by {seen.unsettled:.1%} in the last round: "
                "molecules are slow against the background's window; raise --window-frames"
            )
    elif len(particles):
        rests = int(particles["stationary"].sum())
        if rests:
            left = "kept" if settings.keep_immobile else "left out (--keep-immobile keeps them)"
            notes.append(
                f"{rests} particles are immobile for most of the movie, as debris and stuck ones "
                f"are: their tracks are {left}; particles.csv has them (column "
                "'stationary'), positions.csv where"
            )
    return notes
