#!/usr/bin/env bash
# intlevpy 0.0.7: levy_moments_log() gives the log of 1e-10 at all times for alpha from 1 to 2.
# Expected: alpha may be 1 to 3 by its docstring. With 1 < alpha < 2 flights have no mean duration and the mean squared
# displacement is ballistic, (2 - alpha) v^2 t^2: 0.5 t^2 for alpha 1.5, which a simulation of the flights confirms.
# Seen: -23.03, the log of 1e-10, at every time: the formula is that of 2 < alpha < 3, negative below, and negative
# moments are lifted to 1e-10 without a word. (The package installs itself as the module `src`.)
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q intlevpy==0.0.7 numpy==2.4.6 scipy==1.17.1 matplotlib==3.10.8
cd "$room" && "$room/v/bin/python" - 2>/dev/null <<'P'
import numpy as np
from src.moments import levy_moments_log
rng = np.random.default_rng(1)
def simulated(alpha, end, walkers=2000):
    squares = []
    for _ in range(walkers):
        time, place = 0.0, np.zeros(2)
        while time < end:
            flight, angle = rng.uniform() ** (-1 / (alpha - 1)) - 1, rng.uniform(0, 2 * np.pi)
            place += min(flight, end - time) * np.array([np.cos(angle), np.sin(angle)])
            time += flight
        squares.append(place @ place)
    return np.mean(squares)
times = np.array([100.0, 1000.0])
stated = levy_moments_log(2, 1.5, 1.0, times, 1.0)
for time, value in zip(times, stated, strict=True):
    true = simulated(1.5, time)
    print(f"t {time:.0f}: log of the MSD {value:.2f}, simulated {np.log(true):.2f}, by theory {np.log(0.5 * time**2):.2f}")
    assert abs(true / (0.5 * time**2) - 1) < 0.25, "changed: the simulation"
    assert abs(value - np.log(1e-10)) < 0.01, "changed: the moments"
P
