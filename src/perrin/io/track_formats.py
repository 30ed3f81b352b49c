"""Tables of tracks out: perrin's own CSV, TrackMate's XML and napari's layer.

The CSV is the table as it is, with a header and nothing else, so that pandas and trackpy read
it; pixel size, frame interval and exposure are columns with the same value in each row, so
that they stay with the positions whatever is done to the table.
"""

from __future__ import annotations

import os
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pandas as pd

from perrin.io.cells import neutralized
from perrin.io.csv_writing import write_csv
from perrin.io.output import written_file
from perrin.io.row_checks import CHECK, ROWS, row_checks

_VERSION = "7.11.1"
"""TrackMate whose layout of the file is written."""
CHECKED_OF_TRACKS = (
    "particle",
    "frame",
    "x",
    "y",
    "z",
    "x_se",
    "y_se",
    "pixel_nm",
    "frame_interval_s",
    "exposure",
)
"""Columns over which each row of a CSV of tracks has a check."""
_RADIUS_PX = 2.5  # TrackMate draws spots with it; it means nothing else


def write_tracks_csv(
    tracks: pd.DataFrame, path: str | os.PathLike[str], *, overwrite: bool = False
) -> None:
    """Write tracks as CSV, whole or not at all; formulas in text cells are neutralized.

    Each row ends in `perrin.io.row_checks`, by which damage is noticed when it is read.
    """
    texts = [name for name in tracks if pd.api.types.is_string_dtype(tracks[name].dtype)]
    safe = tracks.assign(
        **{str(name): [neutralized(str(cell)) for cell in tracks[name]] for name in texts}
    )
    safe[ROWS] = len(safe)
    safe[CHECK] = row_checks(
        {name: safe[name] for name in CHECKED_OF_TRACKS if name in safe.columns}
    )
    with written_file(path, overwrite=overwrite) as partial:
        write_csv(safe, partial)


def write_napari(
    tracks: pd.DataFrame, path: str | os.PathLike[str], *, overwrite: bool = False
) -> None:
    """Write tracks as .npy of the rows (track, frame, y, x) that napari's Tracks layer takes."""
    rows = tracks[["particle", "frame", "y", "x"]].to_numpy(dtype=np.float64)
    with written_file(path, overwrite=overwrite) as partial, partial.open("wb") as file:
        np.save(file, rows)


def write_trackmate(
    tracks: pd.DataFrame,
    path: str | os.PathLike[str],
    *,
    pixel_nm: float,
    frame_interval_s: float,
    overwrite: bool = False,
) -> None:
    """Write tracks as a TrackMate model (.xml), in micrometers and seconds.

    A spot is a position, an edge leads from each to the next of its track, over gaps too.
    """
    root = ElementTree.Element("TrackMate", version=_VERSION)
    model = ElementTree.SubElement(root, "Model", spatialunits="micron", timeunits="sec")
    _declare(model)
    size = pixel_nm / 1000
    _spots(model, tracks, size, frame_interval_s)
    _edges(model, tracks)
    settings = ElementTree.SubElement(root, "Settings")
    ElementTree.SubElement(
        settings, "InitialSpotFilter", feature="QUALITY", value="0.0", isabove="true"
    )
    ElementTree.SubElement(settings, "SpotFilterCollection")  # pytrackmate wants both
    ElementTree.SubElement(
        settings,
        "ImageData",
        filename="",
        folder="",
        pixelwidth=repr(size),
        pixelheight=repr(size),
        voxeldepth="1.0",
        timeinterval=repr(frame_interval_s),
        nframes=str(int(tracks["frame"].max()) + 1 if len(tracks) else 0),
    )
    ElementTree.indent(root)
    with written_file(path, overwrite=overwrite) as partial:
        ElementTree.ElementTree(root).write(partial, encoding="UTF-8", xml_declaration=True)


def _declare(model: ElementTree.Element) -> None:
    """Declare the features of spots that are written; TrackMate wants the empty lists as well."""
    features = ElementTree.SubElement(model, "FeatureDeclarations")
    spots = ElementTree.SubElement(features, "SpotFeatures")
    for name, dimension, whole in (
        ("QUALITY", "QUALITY", "false"),
        ("POSITION_X", "POSITION", "false"),
        ("POSITION_Y", "POSITION", "false"),
        ("POSITION_Z", "POSITION", "false"),
        ("POSITION_T", "TIME", "false"),
        ("FRAME", "NONE", "true"),
        ("RADIUS", "LENGTH", "false"),
        ("VISIBILITY", "NONE", "true"),
    ):
        ElementTree.SubElement(
            spots,
            "Feature",
            feature=name,
            name=name.replace("_", " ").capitalize(),
            shortname=name.replace("POSITION_", ""),
            dimension=dimension,
            isint=whole,
        )
    ElementTree.SubElement(features, "EdgeFeatures")
    ElementTree.SubElement(features, "TrackFeatures")


def _spots(
    model: ElementTree.Element, tracks: pd.DataFrame, size: float, frame_interval_s: float
) -> None:
    spots = ElementTree.SubElement(model, "AllSpots", nspots=str(len(tracks)))
    numbered = tracks.assign(number=np.arange(len(tracks)))
    for frame, part in numbered.groupby("frame"):
        inside = ElementTree.SubElement(spots, "SpotsInFrame", frame=str(frame))
        for number, x, y in zip(part["number"], part["x"], part["y"], strict=True):
            ElementTree.SubElement(
                inside,
                "Spot",
                ID=str(number),
                name=f"ID{number}",
                QUALITY="1.0",
                POSITION_X=repr(float(x) * size),
                POSITION_Y=repr(float(y) * size),
                POSITION_Z="0.0",
                POSITION_T=repr(float(frame) * frame_interval_s),  # type: ignore[arg-type]
                FRAME=str(frame),
                RADIUS=repr(_RADIUS_PX * size),
                VISIBILITY="1",
            )


def _edges(model: ElementTree.Element, tracks: pd.DataFrame) -> None:
    """Write the tracks, and that none of them is hidden. The table is in order of tracks."""
    listed = ElementTree.SubElement(model, "AllTracks")
    shown = ElementTree.SubElement(model, "FilteredTracks")
    numbered = tracks.assign(number=np.arange(len(tracks)))
    for particle, part in numbered.groupby("particle"):
        track = ElementTree.SubElement(
            listed, "Track", name=f"Track_{particle}", TRACK_ID=str(particle)
        )
        numbers = part["number"].to_list()
        for source, target in pairwise(numbers):
            ElementTree.SubElement(
                track, "Edge", SPOT_SOURCE_ID=str(source), SPOT_TARGET_ID=str(target)
            )
        ElementTree.SubElement(shown, "TrackID", TRACK_ID=str(particle))
