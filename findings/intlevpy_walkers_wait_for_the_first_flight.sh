#!/usr/bin/env bash
# intlevpy 0.0.7: walkers of levy_flight_2D_Simplified() stand still for as long as their first flight lasts.
# Expected: a walker flies at the speed asked for from the first moment on: none is at its start a second later.
# Seen: 35% are, to the last bit, as many as have a first flight of more than a second (2^-1.5 = .354 for alpha 2.5 and
# tmin 1): the path is interpolated from the end of the first flight on, and before it the end is taken.
# (The package installs itself as the module `src`.)
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q intlevpy==0.0.7 numpy==2.4.6 scipy==1.17.1 matplotlib==3.10.8
cd "$room" && "$room/v/bin/python" -W ignore - <<'P'
import numpy as np
from src.processes import levy_flight_2D_Simplified
np.random.seed(1)
still = 0
for _ in range(3000):
    x, y = levy_flight_2D_Simplified(n_redirections=200, n_max=11, alpha=2.5, tmin=1.0, v_mean=1.0, measuring_dt=0.1)
    still += x[10] == x[0] and y[10] == y[0]
print(f"at the start after 1 s: {still / 3000:.3f} of the walkers, true 0; first flights above 1 s: {2**-1.5:.3f}")
assert abs(still / 3000 - 2**-1.5) < 0.03, "changed"
P
