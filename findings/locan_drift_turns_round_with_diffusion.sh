#!/usr/bin/env bash
# locan 0.22.0: add_drift(velocity=v) moves points by +v a frame, add_drift(velocity=v, diffusion_constant=D) by -v.
# Expected: a diffusion constant adds a random walk to the same drift; next to none (1e-12) changes next to nothing.
# Seen: x of 0 1 2 3 4 in frames 0 to 4 without, of -1 -2 -3 -4 -5 with: other direction, and frame 0 has moved.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q locan==0.22.0 numpy==2.4.6 scipy==1.17.1 pandas==3.1.1
"$room/v/bin/python" -W ignore - <<'P'
import pandas as pd
from locan import LocData
from locan.simulation import add_drift
still = LocData.from_dataframe(pd.DataFrame({"position_x": 0.0, "position_y": 0.0, "frame": range(5)}))
plain = add_drift(still, velocity=(1.0, 0.0)).data.position_x.round(3).tolist()
walk = add_drift(still, velocity=(1.0, 0.0), diffusion_constant=(1e-12, 1e-12), seed=0).data.position_x.round(3).tolist()
print("velocity 1:", plain)
print("velocity 1, diffusion 1e-12:", walk)
assert plain == [0, 1, 2, 3, 4], "changed: without diffusion"
assert walk == [-1, -2, -3, -4, -5], "changed: with diffusion"
P
