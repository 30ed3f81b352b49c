#!/usr/bin/env bash
# trajpy 1.4.4: Trajectory.msd_time_averaged_ gives the mean over the axes, not their sum.
# Expected of steps of variance 1 on each axis: an MSD of 1, 2, 3 at lag 1 in 1, 2, 3 dimensions.
# Seen: about 1 in each. A D read off it as MSD / (2 d t) is d times too small.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q trajpy==1.4.4 numpy==2.4.6 scipy==1.17.1
"$room/v/bin/python" - <<'P'
import numpy as np
from trajpy.trajpy import Trajectory
for dims in (1, 2, 3):
    walk = np.cumsum(np.random.default_rng(1).normal(size=(5000, dims)), axis=0)
    track = Trajectory(np.c_[np.arange(5000.0), walk])
    given = track.msd_time_averaged_(track._r, np.arange(1, 2))[0]
    plain = (np.diff(walk, axis=0) ** 2).sum(axis=1).mean()
    print(f"{dims}D: trajpy {given:.3f}, sum over the axes {plain:.3f}")
    assert abs(given * dims / plain - 1) < 0.01, "changed"
P
