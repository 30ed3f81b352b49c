#!/usr/bin/env bash
# trackpy 0.7: subtract_drift() leaves the frame after an empty one as it was measured.
# Expected: still particles that drift 1 px a frame stand still after subtract_drift(), also when frame 5 has none
# (a blink of the camera); at most the motion across the gap, which no pair of neighboring frames shows, stays.
# Seen: 0 in frames 0 to 4, 6 in frame 6, 2 from frame 7 on. compute_drift() has no row for frame 6, and a frame
# without a row counts as one without drift, so all particles jump 6 px out and 4 px back. Nothing is said.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q trackpy==0.7 numpy==2.4.6 scipy==1.17.1 pandas==3.1.1
"$room/v/bin/python" -W ignore - <<'P'
import numpy as np
import pandas as pd
import trackpy
frame = np.array([0, 1, 2, 3, 4, 6, 7, 8])
still = [pd.DataFrame({"frame": frame, "x": 50.0 * p + frame, "y": 9.0 * p, "particle": p}) for p in range(4)]
tracks = pd.concat(still, ignore_index=True)
drift = trackpy.compute_drift(tracks)
left = trackpy.subtract_drift(tracks, drift).query("particle == 0").x.tolist()
print("frames with a drift:", drift.index.tolist())
print("x of a still particle in frames", frame.tolist(), "after subtract_drift:", left)
assert left[:5] == [0] * 5, "changed: wrong before the empty frame"
assert left[5:] == [6, 2, 2], "changed: the frame after the empty one"
P
