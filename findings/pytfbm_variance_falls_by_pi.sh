#!/usr/bin/env bash
# pytfbm 1.0.0: the variance of tempered fractional Brownian motion II is pi times too small at H = .5 and beyond 25 / lambda.
# Expected: at H = .5 the tempering drops out and the process is Brownian: variance t. At any H the variance grows with t.
# Seen: t / pi at H = .5 (samples too), t at H = .501; for H = .7 and lambda = 1 it is 24.6 at t = 24.9 and 7.9 at 25.1. Where
# the integral is taken for the formula, it is divided by pi twice.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q pytfbm==1.0.0 numpy==2.4.6 scipy==1.17.1 mpmath==1.3.0
"$room/v/bin/python" -W ignore - <<'P'
import numpy as np
from pytfbm import TFBM2
np.random.seed(1)
def process(hurst, lambd=1e-3):
    return TFBM2(T=4.0, N=4, H=hurst, lambd=lambd, strategy="fast")
half, near = process(0.5), process(0.501)
samples = half.generate_samples(4000)
last = np.var(samples[:, -1])
print(f"variance at 1: {half._ct_2(1.0):.3f} for H .5, {near._ct_2(1.0):.3f} for H .501; samples at 4: {last:.2f}, true 4")
before, behind = process(0.7, 1.0)._ct_2(24.9), process(0.7, 1.0)._ct_2(25.1)
print(f"H .7, lambda 1: variance {before:.1f} at 24.9, {behind:.1f} at 25.1")
assert abs(near._ct_2(1.0) - 1) < 0.01 and abs(before - 24.6) < 0.1, "changed: the formula"
assert abs(half._ct_2(1.0) * np.pi - 1) < 0.01 and abs(last * np.pi / 4 - 1) < 0.1, "changed: H = .5"
assert abs(behind * np.pi / before - 1) < 0.02, "changed: behind 25 / lambda"
P
