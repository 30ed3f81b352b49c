"""Example events for the page: a few of each class, small enough to carry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from perrin.report.page.encode import packed

if TYPE_CHECKING:
    import pandas as pd

    from perrin.landing.thumbnails import Thumbnails

EXAMPLES = 8  # of each class where one measurement is shown; fewer each where there are several
_LEAST = 2
_OUTSIDE = -128  # the code of a pixel beyond the field of view


def gallery(
    events: pd.DataFrame, thumbnails: Thumbnails, *, names: list[str], measurements: int
) -> dict[str, Any]:
    """Thumbnails of up to 8 events of each class (`names`, a class name each event).

    Values become whole numbers of -127 to 127 times a scale of each thumbnail: an error of at
    most 0.4% of its strongest pixel. Examples of a class are spread evenly over its contrasts.
    """
    each = max(_LEAST, EXAMPLES // measurements)
    chosen = np.sort(np.concatenate([[], *_spread(events, thumbnails, names, each)]).astype(int))
    values = thumbnails.values[chosen].astype(np.float64)  # noqa: PD011
    scale = np.abs(values).max(axis=(1, 2, 3), initial=1e-9) / 127
    codes = np.rint(values / scale[:, None, None, None]).astype(np.int8)
    beyond = np.broadcast_to(~thumbnails.inside[chosen][:, None], codes.shape)
    codes[beyond] = _OUTSIDE
    return {
        "frames": int(values.shape[1]),
        "size": int(values.shape[2]),
        "rows": thumbnails.rows[chosen].tolist(),
        "scale": scale.tolist(),
        "codes": packed(codes, "i1"),
    }


def _spread(
    events: pd.DataFrame, thumbnails: Thumbnails, names: list[str], each: int
) -> list[np.ndarray[Any, np.dtype[np.int64]]]:
    """Places in `thumbnails` of the examples of each class."""
    contrast = np.abs(events["contrast"].to_numpy(float))[thumbnails.rows]
    kinds = np.array(names, dtype=object)[thumbnails.rows]
    found = []
    for kind in sorted(set(kinds)):
        places = np.flatnonzero(kinds == kind)
        places = places[np.argsort(contrast[places])]
        pick = np.linspace(0, len(places) - 1, min(each, len(places)))
        found.append(places[np.rint(pick).astype(np.int64)])
    return found
