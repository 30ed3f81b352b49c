#!/usr/bin/env bash
# TrackPal 1.1.0 (what pip resolves on Python 3.11): simulated tracks start one range above the range asked for, and the ranges of x and y are exchanged.
# Expected: brownian(xs_rng=(0, 100), ys_rng=(0, 100)) starts tracks between 0 and 100 in both axes; a range of y is one of y.
# Seen: x starts between 100 and 200. With xs_rng=(0, 1), ys_rng=(50, 60) x starts between 60 and 70 and y between 0 and 1.
# linear() and saltatory() do the same.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q TrackPal==1.1.0 numpy==2.4.6 pandas==3.0.6 scipy==1.17.1
"$room/v/bin/python" -W ignore - <<'P'
import numpy as np
from trackpal.simulate import brownian, linear
from trackpal.utils import IdDefaults
np.random.seed(1)
def starts(simulated, **ranges):
    tracks = simulated(n_tracks=500, max_time=1, **ranges)
    x, y = (tracks.groupby(IdDefaults.track)[axis].first() for axis in IdDefaults.xy)
    print(f"{simulated.__name__} {ranges}: x {x.min():.0f} to {x.max():.0f}, y {y.min():.0f} to {y.max():.0f}")
    return x, y
x, _ = starts(brownian, xs_rng=(0, 100), ys_rng=(0, 100))
assert x.min() > 90, "changed: tracks start in the range"
for simulated in (brownian, linear):
    x, y = starts(simulated, xs_rng=(0, 1), ys_rng=(50, 60))
    assert 50 < x.min() and x.max() > 65 and y.max() < 15, "changed: the ranges of x and y"
P
