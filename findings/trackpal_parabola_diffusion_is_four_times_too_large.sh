#!/usr/bin/env bash
# TrackPal 1.1.0 (what pip resolves on Python 3.11): "D" of its fit of a parabola is four times the diffusion coefficient that its fit of a line gives.
# Expected: both fits of the MSD curve of Brownian tracks with D = 1 in two dimensions give about 1.
# Seen: fit.line() gives a diffusion_constant of 1.0, fit.parabola() a D of 4: the slope, which is 4 D.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q TrackPal==1.1.0 numpy==2.4.6 pandas==3.0.6 scipy==1.17.1
"$room/v/bin/python" -W ignore - <<'P'
import numpy as np
import trackpal as tp
from trackpal.utils import IdDefaults
np.random.seed(2)
tracks = tp.simulate.brownian(n_tracks=200, max_time=60, diffusion=1)
curve = tp.msd.curve(tracks.rename(columns={IdDefaults.frame: "FRAME"}), coords=IdDefaults.xy, trackid=IdDefaults.track)
line = tp.fit.line(curve["tau"], curve["mean"])["diffusion_constant"]
parabola = tp.fit.parabola(curve["tau"], curve["mean"])["D"]
print(f"line {line:.2f}, parabola {parabola:.2f}, simulated 1")
assert abs(line - 1) < 0.2, "changed: the fit of a line"
assert 3 < parabola < 5, "changed: the fit of a parabola"
P
