#!/usr/bin/env bash
# cddm 0.3.0: where two particles of a simulated video lie on top of each other, they are darker than one.
# Expected: 20 of background and twice 150 are 320, in 8 bits 255 as a camera shows it (or a refusal): the brightest place.
# Seen: 64, darker than the single particle with 170, and rings of light around: the sum starts again at 256.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q numpy==2.4.6 numba==0.65.1 scipy==1.17.1 matplotlib==3.10.8
"$room/v/bin/pip" install -q --no-deps cddm==0.3.0
cd "$room" && HOME="$room" MPLBACKEND=agg "$room/v/bin/python" -W ignore - <<'P'
import numpy as np
from cddm.sim import particles_video
places = np.array([[10.0, 10.0], [10.0, 10.0], [30.0, 30.0]])
(frame,) = next(iter(particles_video([places], t1=[0], shape=(41, 41), background=20, intensity=150, sigma=2)))
print(f"two particles {frame[10, 10]}, true 320 or 255; one particle {frame[30, 30]}, true 170; {frame.dtype}")
assert frame[30, 30] == 170, "changed: one particle"
assert frame[10, 10] == 320 - 256, "changed: two particles"
P
