#!/usr/bin/env bash
# trackpy 0.7: vanhove() gives each bin of displacements the place of its lower edge, and turns `ensemble` round.
# Expected: "indexed by displacement": symmetric steps have a distribution of mean 0; one Series
# for ensemble=False and a column for each particle for ensemble=True, as its docstring says.
# Seen: a mean half a bin below that of the displacements: -.17 of their standard deviation with the default 24
# bins and -.5 with 8; a DataFrame for False, a Series for True.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q trackpy==0.7 numpy==2.4.6 scipy==1.17.1 pandas==3.1.1
"$room/v/bin/python" -W ignore - <<'P'
import numpy as np
import pandas as pd
import trackpy
steps = np.random.default_rng(0).normal(size=(4000, 5))
steps -= steps[1:].mean()
x = pd.DataFrame(np.cumsum(steps, axis=0), index=pd.RangeIndex(4000, name="frame"))
for bins in (24, 8):
    curve = trackpy.vanhove(x, 1, bins=bins, ensemble=True)
    width = curve.index[1] - curve.index[0]
    mean = float(np.sum(curve.index * curve) / np.sum(curve))
    print(f"{bins} bins of {width:.3f}: mean displacement {mean:.3f}, true 0.000, half a bin {width / 2:.3f}")
    assert abs(mean + width / 2) < 0.05 * width, "changed: no longer half a bin low"
kinds = {flag: type(trackpy.vanhove(x, 1, ensemble=flag)).__name__ for flag in (False, True)}
print("ensemble:", kinds)
assert kinds == {False: "DataFrame", True: "Series"}, "changed: ensemble"
P
