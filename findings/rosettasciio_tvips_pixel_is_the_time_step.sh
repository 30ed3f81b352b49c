#!/usr/bin/env bash
# rosettasciio 0.15.0 writes the time step of a TVIPS movie as its pixel size.
# Expected: a movie of 26 nm pixels at 3 s a frame, written and read again, has 26 nm pixels (at most rounded to
# whole nm, as the format has integers).
# Seen: 3 nm for both axes, and 0 nm at .05 s a frame: the scale of the first axis, time, is taken for the pixel's.
# The frames and the time step come back right. Nothing is said.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q rosettasciio==0.15.0 scikit-image==0.26.0 numpy==2.4.6
cd "$room" && "$room/v/bin/python" -W error::UserWarning - <<'P'
import numpy as np
from rsciio import tvips
def axis(name, size, scale, units, place):
    return {
        "name": name, "size": size, "scale": scale, "offset": 0.0, "units": units,
        "navigate": place == 0, "index_in_array": place,
    }
frames = np.arange(5 * 16 * 16, dtype=np.uint16).reshape(5, 16, 16)
for step, seen in ((3.0, 3), (0.05, 0)):
    axes = [axis("time", 5, step, "s", 0), axis("y", 16, 26.0, "nm", 1), axis("x", 16, 26.0, "nm", 2)]
    metadata = {"General": {"title": "movie"}, "Signal": {"signal_type": ""}}
    movie = {"data": frames, "axes": axes, "metadata": metadata, "original_metadata": {}}
    movie["attributes"] = {"_lazy": False}
    tvips.file_writer(f"at_{step}_000.tvips", movie, show_progressbar=False)
    back = tvips.file_reader(f"at_{step}_000.tvips")[0]
    time, y, x = ((float(one["scale"]), one["units"]) for one in back["axes"])
    print(f"written: {step} s a frame, pixels of 26 nm; read: {time}, {y}, {x}")
    assert np.array_equal(back["data"], frames) and time == (step, "s"), "changed: frames or time step"
    assert y == x == (seen, "nm"), "changed: the pixel size"
P
