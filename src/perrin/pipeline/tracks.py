"""From a movie to tracks, from positions to tracks, and from tracks to what moves each particle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from perrin.diffusion import andi as of_andi
from perrin.diffusion import characterize as of_tracks
from perrin.diffusion.characterize import DiffusionResult, Scale
from perrin.diffusion.windows import Track
from perrin.errors import PerrinError
from perrin.io.given import TRACKS, check_opened
from perrin.models import predictive
from perrin.models.andi import AndiModel
from perrin.models.kinds import KindsModel
from perrin.models.mixture import MixtureModel
from perrin.pipeline.networks import identity_of
from perrin.settings.base import settings_from
from perrin.settings.diffusion import WindowSettings
from perrin.settings.tracking import LinkSettings
from perrin.tracking import link as of_positions
from perrin.tracking.edited import edit_tracks
from perrin.tracking.likeness import Marks, marks_of
from perrin.tracking.link import LinkingResult
from perrin.tracking.stack import track_stack
from perrin.tracking.track import track
from perrin.types import FloatArray

__all__ = [
    "andi",
    "characterize",
    "edit_tracks",
    "link",
    "scale_of",
    "tell_camera",
    "track",
    "track_stack",
]

if TYPE_CHECKING:
    from perrin.diffusion.andi import Model as Andi
    from perrin.diffusion.kinds import Model as Kinds
    from perrin.diffusion.predicted import Model as Mixture


def link(
    positions: pd.DataFrame,
    *,
    search_px: float | None = None,
    memory_frames: int | None = None,
    min_positions: int = 5,
    area_px: float | None = None,
) -> pd.DataFrame:
    """Link one's own positions to tracks, as `perrin track` does.

    Raises `PerrinError` for a table without these columns, without positions, with NaN, or so
    dense that linking would be guessing.

    Parameters
    ----------
    positions : DataFrame
        ``frame``, ``x`` and ``y`` (pixels); other columns are kept. ``contrast`` and
        ``angle_deg`` (NaN without a direction), where both are there, tell particles apart too.
    search_px, memory_frames : optional
        Longest step from frame to frame, and frames that a particle may be missing; suggested from
        the steps where not given.
    min_positions : int
        Tracks with fewer positions are left out.
    area_px : float, optional
        Area of the field, which says how dense the particles are; the rectangle that holds all
        positions where not given.

    Returns
    -------
    DataFrame
        The positions that belong to tracks with their ``particle``, sorted by it and ``frame``:
        what `characterize` takes. ``attrs["linking"]`` holds what was used and the expected
        fraction of wrong links.

    """
    frame, x, y = _checked_positions(positions)
    order = np.argsort(frame, kind="stable")
    frame, x, y = frame[order], x[order], y[order]
    area = float((np.ptp(x) + 1) * (np.ptp(y) + 1)) if area_px is None else area_px
    settings = settings_from(
        LinkSettings,
        search_px=search_px,
        memory_frames=memory_frames,
        min_positions=min_positions,
    )
    marks = _marks_in(positions.iloc[order])
    linked = of_positions.link(frame, x, y, area_px=area, settings=settings, marks=marks)
    return _linked_table(positions.iloc[order], linked, min_positions=min_positions)


def _marks_in(positions: pd.DataFrame) -> Marks | None:
    """Return what tells N positions apart, where their table has it."""
    if not {"contrast", "angle_deg"} <= set(positions.columns):
        return None
    contrast, angle = (positions[name].to_numpy(float) for name in ("contrast", "angle_deg"))
    return marks_of(contrast, np.radians(angle), None, known=np.isfinite(contrast))


def _linked_table(
    positions: pd.DataFrame, linked: LinkingResult, *, min_positions: int
) -> pd.DataFrame:
    """The positions of tracks that are long enough, numbered from 0."""
    counts = np.bincount(linked.particle)
    number = np.full(len(counts), -1, np.int64)
    kept = np.flatnonzero(counts >= min_positions)
    number[kept] = np.arange(len(kept))
    table = positions.assign(particle=number[linked.particle])
    table = table[table["particle"] >= 0].sort_values(["particle", "frame"], ignore_index=True)
    table.attrs = {"length_unit": "px", **positions.attrs} | {
        "linking": {
            "search_px": linked.search_px,
            "memory_frames": linked.memory_frames,
            "expected_wrong_fraction": linked.wrong_fraction,
        }
    }
    return table[["particle", *(name for name in table.columns if name != "particle")]]


def characterize(
    tracks: pd.DataFrame,
    *,
    model: Mixture | str | Path = "mixture",
    kinds: Kinds | str | Path | None = "kinds",
    pixel_nm: float | None = None,
    frame_interval_s: float | None = None,
    units: str | None = None,
    localization_error: float | None = None,
    exposure: float | None = None,
    settings: WindowSettings | None = None,
) -> DiffusionResult:
    """Say what moves each particle, with intervals: what `perrin diffusion` does.

    Raises `PerrinError` for tables that are no tracks, or without units, or with two answers.

    Parameters
    ----------
    tracks : DataFrame
        ``particle``, ``frame``, ``x`` (``y``, ``z``): of `perrin.track`, `perrin.read_tracks`, ...
    model : str, Path or network
        A network by name (`perrin model list`), a folder, or a loaded one.
    kinds : str, Path, network or None
        What tells kinds of motion apart, beside the mixture network it was trained with.
    pixel_nm, frame_interval_s : float, optional
        Unit of the coordinates, time between frames; by default what the table says.
    units : "unknown", optional
        Keep the table's own unit of length, and frames.
    localization_error, exposure : float, optional
        Of one axis, in the unit of the coordinates; fraction of the frame interval with light:
        where the table has no ``x_se`` and does not say.
    settings : WindowSettings, optional
        Windows along the tracks.

    """
    check_opened(tracks, TRACKS)
    told = tell_camera(tracks, localization_error=localization_error, exposure=exposure)
    scale = scale_of(told, pixel_nm=pixel_nm, frame_interval_s=frame_interval_s, units=units)
    network = MixtureModel.load(model) if isinstance(model, (str, Path)) else model
    teller, remarks = _teller(kinds, network)
    windows = settings or WindowSettings()
    found = of_tracks.characterize(told, model=network, scale=scale, settings=windows, kinds=teller)
    source = told.attrs.get("source")
    return replace(
        found,
        source=Path(source) if source else None,
        seed=predictive.SEED,
        networks=identity_of(network, task="mixture") + identity_of(teller, task="kinds"),
        remarks=remarks,
    )


def _teller(
    kinds: Kinds | str | Path | None, network: Mixture
) -> tuple[Kinds | None, tuple[str, ...]]:
    """Return what tells kinds beside a mixture network, and why nothing does."""
    teller = KindsModel.load(kinds) if isinstance(kinds, (str, Path)) else kinds
    beside = network.bundle.card.sha256 if isinstance(network, MixtureModel) else ""
    if isinstance(teller, KindsModel) and not teller.suits(beside):
        return None, (_OTHER_NETWORK.format(name=network.name),)
    return teller, ()


_OTHER_NETWORK = (
    "no kinds of motion are predicted: the network of kinds was not trained beside the mixture "
    "network "
    "{name!r} (perrin train kinds --mixture {name})"
)


def andi(
    tracks: pd.DataFrame,
    *,
    model: Andi | str | Path = "andi",
    mixture: Mixture | str | Path = "mixture",
    kinds: Kinds | str | Path | None = "kinds",
) -> pd.DataFrame:
    """Return exponent and model of each track, as in the AnDi challenge: what `perrin andi` does.

    tracks: as for `characterize`; no units are needed. model: a network by name, a folder, or a
    loaded one. mixture, kinds: what tells tracks that are none of the models, as for
    `characterize`. Columns: `perrin.diffusion.andi.COLUMNS`. Raises `PerrinError` for tables that
    are no tracks or hold none.
    """
    check_opened(tracks, TRACKS)
    network = AndiModel.load(model) if isinstance(model, (str, Path)) else model
    reader = MixtureModel.load(mixture) if isinstance(mixture, (str, Path)) else mixture
    teller, _ = _teller(kinds, reader)
    if network.outside is None or not isinstance(teller, KindsModel):
        return of_andi.andi_table(tracks, model=network)
    if teller.bundle.card.sha256 != network.outside.kinds:
        return of_andi.andi_table(tracks, model=network)

    def tell(own: list[Track]) -> FloatArray:
        return teller.predict(own, reader.predict_tracks(own)).p

    return of_andi.andi_table(tracks, model=network, tell=tell)


def tell_camera(
    tracks: pd.DataFrame, *, localization_error: float | None, exposure: float | None
) -> pd.DataFrame:
    """Return the tracks with what is known of the camera; what the table says is not overruled.

    Raises `PerrinError` for impossible numbers, and for what the table says otherwise.
    """
    told = tracks.copy()
    said = _said(tracks, "exposure")
    told.attrs["exposure"] = said
    if localization_error is not None:
        if not 0 <= localization_error < float("inf"):
            raise PerrinError(
                f"the localization error is {localization_error:g}: 0 or more is needed."
            )
        if "x_se" in tracks.columns:
            raise PerrinError(
                "the table has x_se already: leave the localization error (--localisation-error) "
                "out."
            )
        told["x_se"] = localization_error
    if exposure is not None:
        if not 0 <= exposure <= 1:
            raise PerrinError(f"the exposure is {exposure:g}: a fraction of the frame, 0 to 1.")
        if said is not None and said != exposure:
            raise PerrinError(f"the file says that the exposure is {said:g}: leave --exposure out.")
        told.attrs["exposure"] = exposure
    return told


def scale_of(
    tracks: pd.DataFrame,
    *,
    pixel_nm: float | None = None,
    frame_interval_s: float | None = None,
    units: str | None = None,
) -> Scale:
    """Return the scale that a table and its user give; raises `PerrinError` for what is missing."""
    if units is not None:
        if units != "unknown" or pixel_nm is not None or frame_interval_s is not None:
            raise PerrinError(
                "units is 'unknown', without pixel_nm and frame_interval_s (--pixel-nm, "
                "--frame-interval-s)."
            )
        return Scale.unknown()
    unit = tracks.attrs.get("length_unit", "px")
    of_unit = {"nm": 1.0, "um": 1000.0, "px": _said(tracks, "pixel_nm")}.get(unit)
    known_nm = tracks.attrs.get("length_nm", of_unit)
    length = known_nm if pixel_nm is None else pixel_nm
    interval = frame_interval_s
    if interval is None:
        interval = _said(tracks, "frame_interval_s")
    if length is None or interval is None:
        known = {"--pixel-nm": length, "--frame-interval-s": interval}
        lacking = " and ".join(name for name, value in known.items() if value is None)
        raise PerrinError(
            f"{tracks.attrs.get('source', 'the table')} does not say its units: give {lacking}, or "
            "--units unknown to get D in its own unit and frames (in Python pixel_nm, "
            "frame_interval_s, units)."
        )
    return Scale.of_pixels(pixel_nm=length, frame_interval_s=interval)


def _said(tracks: pd.DataFrame, name: str) -> float | None:
    """What the table says of a number that is one for all of it: in attrs, else in a column."""
    said = tracks.attrs.get(name)
    if said is None and name in tracks.columns and len(tracks):
        values = tracks[name].dropna().unique()
        if len(values) > 1:
            raise PerrinError(f"the column {name} holds {len(values)} values; one is needed.")
        said = float(values[0]) if len(values) else None
    return None if said is None else float(said)


def _checked_positions(
    positions: pd.DataFrame,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return frame (N,) int64, x and y (N,) of a table of positions."""
    lacking = [name for name in ("frame", "x", "y") if name not in positions.columns]
    if lacking:
        raise PerrinError(
            f"the table of positions has no {', '.join(lacking)}; its columns are "
            f"{', '.join(map(str, positions.columns))}. frame, x and y (pixels) are needed."
        )
    if not len(positions):
        raise PerrinError("the table holds no positions: there is nothing to link.")
    values = positions[["frame", "x", "y"]].to_numpy(float)
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if bad.size:
        raise PerrinError(
            f"row {bad[0]} of the positions holds NaN or infinity; drop such rows "
            f"({bad.size} of {len(values)}) first."
        )
    if (values[:, 0] != np.rint(values[:, 0])).any():
        raise PerrinError("the frames of the positions are not whole numbers.")
    return values[:, 0].astype(np.int64), values[:, 1], values[:, 2]
