#!/usr/bin/env bash
# freud-analysis 3.4.0: MSD(mode="window"), the default, is wrong where positions are far from zero.
# Expected: the mean squared displacement does not change when the same number is added to all positions.
# Seen: true .030 at lag 1; .030 around 0, .028 around 100, -.27 around 1000 (pixels of a large camera):
# positions become 32-bit floats and their squares are subtracted. Nothing is said.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q freud-analysis==3.4.0 numpy==2.3.5 scipy==1.17.1
"$room/v/bin/python" -W ignore - <<'P'
import freud
import numpy as np
walk = np.cumsum(np.random.default_rng(0).normal(0, 0.1, size=(1000, 5, 3)), axis=0)
true = float(np.mean(np.sum(np.diff(walk, axis=0) ** 2, axis=-1)))
found = {}
for offset in (0, 100, 1000):
    msd = freud.msd.MSD()
    msd.compute(walk + offset)
    found[offset] = float(msd.msd[1])
    print(f"positions around {offset}: MSD at lag 1 {found[offset]:.4f}, true {true:.4f}")
assert abs(found[0] / true - 1) < 0.001, "changed: wrong around zero too"
assert found[1000] < 0, "changed: no longer negative around 1000"
P
