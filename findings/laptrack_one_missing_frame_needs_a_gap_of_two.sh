#!/usr/bin/env bash
# laptrack 0.17.1: gap_closing_max_frame_count=1 closes no gap at all.
# Expected: a particle that is missing in one frame is linked across it with "maximum frame gaps" of 1 (as with trackpy's memory=1).
# Seen: 1 does what 0 does, two tracks; 2 closes one missing frame, 3 two. It is the difference of the frame numbers that counts.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q laptrack==0.17.1 numpy==2.4.6 pandas==3.0.6 scipy==1.17.1
"$room/v/bin/python" -W ignore - <<'P'
import numpy as np, pandas as pd
from laptrack import LapTrack
def one_track(missing, most):
    frames = np.r_[0:3, 3 + missing : 6 + missing]
    spots = pd.DataFrame({"frame": frames, "x": 0.1 * frames, "y": 0.0})
    linker = LapTrack(track_cost_cutoff=4.0, gap_closing_cost_cutoff=100.0, gap_closing_max_frame_count=most)
    tracks, _, _ = linker.predict_dataframe(spots, ["x", "y"], frame_col="frame")
    return tracks["track_id"].nunique() == 1
for missing in (1, 2):
    closed = [one_track(missing, most) for most in range(4)]
    print(f"{missing} missing, most 0 to 3: one track", closed)
    assert closed == [most > missing for most in range(4)], "changed: how gaps are counted"
P
