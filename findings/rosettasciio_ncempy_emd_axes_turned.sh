#!/usr/bin/env bash
# rosettasciio 0.15.0 and ncempy 1.16 read each other's Berkeley EMD movies with the axes in reverse.
# Expected: a movie of 5 frames of 6 x 8 written by one has the shape (5, 6, 8) in the other, data[0] a frame.
# Seen: (8, 6, 5), data[0] a column of the camera over time, in both directions; each reads its own file right.
# Names and scales go along, so that only who looks at them sees it.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q rosettasciio==0.15.0 ncempy==1.16 h5py==3.16.0 numpy==2.4.6
cd "$room" && "$room/v/bin/python" -W ignore - <<'P'
import numpy as np
from ncempy.io.emd import emdReader, fileEMD
from rsciio.emd import file_reader, file_writer
movie = np.arange(5 * 6 * 8, dtype=np.uint16).reshape(5, 6, 8)
scales = {"time": (5, 0.05, "s"), "y": (6, 0.2, "nm"), "x": (8, 0.2, "nm")}
with fileEMD("ncempy.emd", readonly=False) as file:
    file.put_emdgroup("movie", movie, [(np.arange(n) * scale, k, f"[{u}]") for k, (n, scale, u) in scales.items()])
axes = [
    {"name": k, "size": n, "scale": scale, "offset": 0.0, "units": u, "navigate": k == "time"}
    for k, (n, scale, u) in scales.items()
]
metadata = {"General": {"title": "movie"}, "Signal": {"signal_type": ""}}
file_writer("rsciio.emd", {"data": movie, "axes": axes, "metadata": metadata, "original_metadata": {}})
seen = {}
for name in ("ncempy", "rsciio"):
    by_ncempy, by_rsciio = emdReader(f"{name}.emd")["data"], file_reader(f"{name}.emd")[0]["data"]
    seen[name] = by_ncempy.shape, by_rsciio.shape
    print(f"{movie.shape} written by {name}: read by ncempy {by_ncempy.shape}, by rosettasciio {by_rsciio.shape}")
assert seen["ncempy"] == ((5, 6, 8), (8, 6, 5)), "changed: a file of ncempy"
assert seen["rsciio"] == ((8, 6, 5), (5, 6, 8)), "changed: a file of rosettasciio"
P
