#!/usr/bin/env bash
# trajpy 1.4.4: the diffusivity of compute_features() (Green and Kubo) does not follow the time step.
# Expected: the same steps (variance 1 on each axis) taken every 1 s and every .1 s have D of .5 and 5.
# Seen: medians of 12 Brownian tracks of 300 steps of about 2.9 and 2.7: neither right, ratio .9 for 10.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q trajpy==1.4.4 numpy==2.4.6 scipy==1.17.1
"$room/v/bin/python" -W ignore - <<'P'
import numpy as np
from trajpy.trajpy import Trajectory
found = []
for step_s in (1.0, 0.1):
    of_tracks = []
    for seed in range(12):
        walk = np.cumsum(np.random.default_rng(seed).normal(size=(300, 2)), axis=0)
        track = Trajectory(np.c_[np.arange(300) * step_s, walk])
        track.compute_features()
        of_tracks.append(track.diffusivity)
    found.append(float(np.median(of_tracks)))
    print(f"a step every {step_s} s: trajpy {found[-1]:.2f}, true D {0.5 / step_s}")
assert found[0] > 1.5, "changed: near the truth at 1 s"
assert found[1] / found[0] < 2, "changed: it follows the time step"
P
