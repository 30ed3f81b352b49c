#!/usr/bin/env bash
# locan 0.22.0: simulate_tracks(diffusion_constant=D) draws tracks of 2 D in two dimensions and 3 D in three.
# Expected: a mean squared displacement of 2 d D dt in d dimensions at a lag of one step: 4 and 6 for D = dt = 1.
# Seen: 8 and 18. The step for all axes together, sqrt(2 d D dt), is taken along each axis.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q locan==0.22.0 numpy==2.4.6 scipy==1.17.1 pandas==3.1.1
"$room/v/bin/python" -W ignore - <<'P'
import numpy as np
import locan
for dims, seen in ((2, 8), (3, 18)):
    tracks = locan.simulate_tracks(
        n_walks=40, n_steps=100, ranges=((0, 1000),) * dims, diffusion_constant=1, time_step=1, seed=1
    )
    places = tracks.coordinates.reshape(40, 100, dims)
    msd = np.mean(np.sum(np.diff(places, axis=1) ** 2, axis=-1))
    print(f"{dims}D, D = 1: MSD at one step {msd:.2f}, true {2 * dims}")
    assert abs(msd - seen) < 0.01, "changed"
P
