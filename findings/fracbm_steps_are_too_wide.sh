#!/usr/bin/env bash
# fracbm 0.3.0: daviesharte, an "exact" method, draws fractional Gaussian noise with too much variance at H near 1.
# Expected: steps of variance 1 and correlation (2^2H - 2) / 2: at H = 0.95 1 and 0.866, MSDs at lags 1 and 2 of 1 and
# 3.73, an exponent of 2 H = 1.9. cholesky draws them so.
# Seen: variance 1.15, MSDs of 1.15 and 3.93, an exponent of 1.77 in tracks of 100 steps: the middle of the circulant is 0
# instead of the correlation at lag n, which makes eigenvalues negative, and those are set to zero. Half of it is left at 1000 steps.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q fracbm==0.3.0 numpy==2.4.6 scipy==1.17.1 PyWavelets==1.9.0
OMP_NUM_THREADS=1 "$room/v/bin/python" -W ignore - <<'P'
import numpy as np
import fracbm
np.random.seed(1)
hurst, seen = 0.95, {"cholesky": (1.0, 1.9), "daviesharte": (1.15, 1.77)}
for method, (variance_seen, exponent_seen) in seen.items():
    steps = np.array([getattr(fracbm, method).noise(100, hurst) for _ in range(4000)])
    msd = np.mean(steps**2), np.mean((steps[:, 1:] + steps[:, :-1]) ** 2)
    exponent = np.log2(msd[1] / msd[0])
    print(f"{method:11}: MSD {msd[0]:.2f}, {msd[1]:.2f}, true 1, {2 ** (2 * hurst):.2f}; exponent {exponent:.3f}, true {2 * hurst}")
    assert abs(msd[0] - variance_seen) < 0.07, "changed: the variance of the steps"
    assert abs(exponent - exponent_seen) < 0.02, "changed: the exponent"
P
