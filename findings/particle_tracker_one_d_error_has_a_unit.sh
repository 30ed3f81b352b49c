#!/usr/bin/env bash
# particle_tracker_one_d 0.7.0: the relative error of D depends on the unit of length.
# Expected: a pixel of 0.1 micrometers or of 100 nanometers gives D in other units, and the same relative error: that of
# the estimator by covariances, sqrt((6 + 4 e + 2 e^2) / N + 4 (1 + e)^2 / N^2) with e = s^2 / (D dt) - 2 R.
# Seen: 11% in micrometers, where 16% is true, and thousands of times D in nanometers: s^2 is squared once more.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q particle_tracker_one_d==0.7.0 numpy==2.4.6 scipy==1.17.1 matplotlib==3.10.8
MPLBACKEND=agg "$room/v/bin/python" -W ignore - <<'P'
import numpy as np
from particle_tracker_one_d import Trajectory
random = np.random.default_rng(1)
dt, blur = 0.1, 1 / 6  # steps of 4.5 pixels, localized to 2 pixels
places = random.normal(0, 4.5, 400).cumsum() + random.normal(0, 2, 400)
seen = {}
for unit, pixel in (("um", 0.1), ("nm", 100.0)):
    track = Trajectory(pixel_width=pixel)
    rows = [(frame, frame * dt, place, 0, 0) for frame, place in enumerate(places)]
    track.particle_positions = np.array(rows, dtype=track.particle_positions.dtype)
    d, variance = track.calculate_diffusion_coefficient_using_covariance_based_estimator(R=blur)
    seen[unit] = float(variance) ** 0.5 / float(d)
    print(f"D = {d:.4g} {unit}^2/s, relative error {seen[unit]:.3g}")
steps = np.diff(places)
squares, products = np.mean(steps[:-1] ** 2), np.mean(steps[1:] * steps[:-1])
e = (blur * squares + (2 * blur - 1) * products) / (squares / 2 + products) - 2 * blur
true = ((6 + 4 * e + 2 * e**2) / len(steps) + 4 * (1 + e) ** 2 / len(steps) ** 2) ** 0.5
print(f"true in both units: {true:.3g}")
assert seen["nm"] > 100 * seen["um"], "changed: the error has no unit any more"
assert abs(seen["um"] / true - 1) > 0.02, "changed: the error in micrometers"
P
