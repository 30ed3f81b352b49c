#!/usr/bin/env bash
# tidynamics 1.1.2: msd() of positions held as int16 (tenths of a pixel, say) is negative.
# Expected: the MSD of the same positions as floats, 1.98 at lag 1. The squares are taken in the
# type of the positions and run over; int32 and floats are right. No warning is given.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q tidynamics==1.1.2 numpy==2.4.6
"$room/v/bin/python" - <<'P'
import numpy as np, tidynamics
walk = np.cumsum(np.random.default_rng(0).normal(size=(3000, 2)), axis=0)
tenths = np.rint(walk * 10)
assert abs(tenths).max() < 32767  # every position fits
right = tidynamics.msd(tenths)[:3] / 100
small = tidynamics.msd(tenths.astype(np.int16))[:3] / 100
print("as float64:", right, " as int16:", small)
assert abs(right[1] - 2) < 0.2, right
assert (small < 0).all(), f"changed: {small}"
P
