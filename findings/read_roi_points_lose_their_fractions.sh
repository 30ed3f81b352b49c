#!/usr/bin/env bash
# read-roi 1.6.0 cuts the fractions off the points of an ImageJ region of interest; roifile 2026.2.10 keeps them.
# Expected: points at x 10.25 and 30.5, y 20.75 and 41.125, which an option of the file ("subpixel") says it holds.
# Seen: 10 and 30, 21 and 41, as soon as another option is set as well (roifile sets those of overlay labels):
# the whole number of options is compared with that of the one. Right where it is the only one.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q read-roi==1.6.0 roifile==2026.2.10 numpy==2.4.6
cd "$room" && "$room/v/bin/python" -W error::UserWarning - <<'P'
import numpy as np
from read_roi import read_roi_file
from roifile import ROI_OPTIONS, ImagejRoi
points = np.array([[10.25, 20.75], [30.5, 41.125]])
roi = ImagejRoi.frompoints(points)
seen = {}
for name, options in (("subpixel alone", ROI_OPTIONS.SUB_PIXEL_RESOLUTION), ("as roifile sets them", roi.options)):
    roi.options = options
    roi.tofile("points.roi")
    assert np.array_equal(ImagejRoi.fromfile("points.roi").coordinates(), points), "changed: roifile"
    read = read_roi_file("points.roi")["points"]
    seen[name] = read["x"] + read["y"]
    print(f"{name} ({int(options)}): read-roi x {read['x']} y {read['y']}, written {points.T.tolist()}")
assert seen["subpixel alone"] == [10.25, 30.5, 20.75, 41.125], "changed: subpixel alone"
assert seen["as roifile sets them"] == [10, 30, 21, 41], "changed: with other options"
P
