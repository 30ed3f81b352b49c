"""Tables of tracks or spots that were given as tables of events: their mass is a brightness."""

from __future__ import annotations

import pandas as pd

from perrin.errors import PerrinError
from perrin.io.event_columns import key_of, meaning_of

_TRACK = frozenset(
    ("particle", "track_id", "trackid", "track", "trajectory", "traj_idx", "track_number")
)
_POSITION = frozenset(
    (
        "x",
        "y",
        "x_px",
        "y_px",
        "x_um",
        "y_um",
        "x_nm",
        "y_nm",
        "position_x",
        "position_y",
        "pos_x",
        "pos_y",
    )
)
_SPOTS = frozenset(
    ("ecc", "signal", "raw_mass", "ep", "size")
)  # what trackpy measures of each spot


def refuse_tracks(table: pd.DataFrame) -> None:
    """Raise `PerrinError` for a table of tracks or of spots, which is no table of events.

    With a contrast it is one where a particle has several rows: events happen once.
    """
    names = {key_of(name): name for name in table.columns}
    tracks = [names[key] for key in names if key in _TRACK]
    placed = len(_POSITION & set(names)) >= 2
    has_contrast = any(_means(name) == "contrast" for name in table.columns)
    repeated = any(table[name].nunique() < 0.8 * len(table) for name in tracks)
    spots = "mass" in names and len(_SPOTS & set(names)) >= 2
    if placed and tracks and (repeated or not has_contrast):
        raise PerrinError(
            f"this is a table of tracks (columns {_some(table)}), not of events: use perrin "
            "diffusion. A mass in it is a brightness, not kDa."
        )
    if placed and spots and not has_contrast:
        raise PerrinError(
            f"this is a table of spots as trackpy finds them (columns {_some(table)}), not of "
            "events: link them to tracks and use perrin diffusion. Their mass is a brightness."
        )


def _means(name: object) -> str:
    try:
        meaning = meaning_of(name)
    except PerrinError:
        return ""
    return "" if meaning is None else meaning.name


def _some(table: pd.DataFrame) -> str:
    return ", ".join(str(name) for name in table.columns[:8])
