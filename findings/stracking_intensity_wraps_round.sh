#!/usr/bin/env bash
# stracking 0.1.10: the intensity of a particle near the left or upper edge is read from the opposite edge too.
# Expected: a particle at x = 1 in a frame that is dark but for its four last columns (of 20) has a mean intensity of 0.
# Seen: 20, its greatest 100: places left of the frame count from the right. Beyond the right edge it is an IndexError.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q stracking==0.1.10 numpy==2.4.6 scipy==1.17.1 scikit-image==0.26.0 pandas==3.0.6
"$room/v/bin/python" -W error - <<'P'
import numpy as np
from stracking.containers import SParticles
from stracking.properties import IntensityProperty
movie = np.zeros((1, 20, 20))
movie[0, :, -4:] = 100
particles = SParticles(data=np.array([[0, 10.0, 1.0]]), properties={}, scale=(1, 1, 1))
IntensityProperty(radius=3).run(particles, movie)
mean, most = particles.properties["mean_intensity"][0], particles.properties["max_intensity"][0]
print(f"within 3 pixels of x = 1: mean {mean:.0f}, greatest {most:.0f}; bright from x = 16 on, true 0 and 0")
assert (mean, most) == (20, 100), "changed"
P
