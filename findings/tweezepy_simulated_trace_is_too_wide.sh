#!/usr/bin/env bash
# tweezepy 1.2.7: a bead simulated in a trap with default values moves in a trap 8% softer than the one asked for.
# Expected: equipartition: the variance of simulate_trace() is kT / kappa, kT being the 4.1 pN nm written in it.
# Seen: 1.07 to 1.09 times that with default values (kappa / gamma = 63 per second, 400 steps a second), 1.33 times at 127 steps
# a second, which it accepts as stable. Its steps are those of Euler: the variance is 1 / (1 - kappa dt / (2 gamma))
# times too large, and nothing says so. At 40,000 steps a second it is right.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q tweezepy==1.2.7 numba==0.66.0 numpy==2.4.6 scipy==1.17.1 "setuptools<81"
"$room/v/bin/python" -W ignore - <<'P'
import numpy as np
from tweezepy.simulations import simulate_trace
gamma, kT = 1e-5, 4.1
kappa = 2 * np.pi * 10 * gamma
def over_equipartition(rate):
    points = int(20_000 * rate / (kappa / gamma))  # 20,000 relaxation times: 1.4% of the variance
    x = simulate_trace(gamma, kappa, rate, points, 7)[points // 100 :]
    return x.var() / (kT / kappa), 1 / (1 - kappa / gamma / rate / 2)
for rate in (127, 400, 40_000):
    seen, euler = over_equipartition(rate)
    print(f"{rate:6d} steps a second: variance {seen:.3f} of kT/kappa, by Euler's steps {euler:.3f}")
    assert abs(seen / euler - 1) < 0.05, "changed: the steps"
assert over_equipartition(400)[0] > 1.04, "changed: equipartition holds at the default rate"
P
