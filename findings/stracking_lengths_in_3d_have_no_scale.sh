#!/usr/bin/env bash
# stracking 0.1.10: the length of a track is in the units of its scale in two dimensions, in pixels in three.
# Expected: a particle that moves 10 pixels of .1 um along x has a distance and a displacement of 1 um.
# Seen: 1.0 for a track of T, Y, X with the scale (1, .1, .1), 10.0 for one of T, Z, Y, X with (1, .3, .1, .1), the
# scale that its own readers give to volumes: it is looked for with three numbers.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q numpy==2.4.6 && "$room/v/bin/pip" install -q --no-deps stracking==0.1.10
"$room/v/bin/python" - <<'P'
import numpy as np
from stracking.containers import STracks
from stracking.features import DisplacementFeature, DistanceFeature
def lengths(rows, scale):
    tracks = STracks(data=np.array(rows, float), properties={}, graph={}, features={}, scale=scale)
    DistanceFeature().run(tracks)
    DisplacementFeature().run(tracks)
    return tracks.features["distance"][0], tracks.features["displacement"][0]
flat = lengths([[0, 0, 5, 0], [0, 1, 5, 10]], (1, 0.1, 0.1))
volume = lengths([[0, 0, 7, 5, 0], [0, 1, 7, 5, 10]], (1, 0.3, 0.1, 0.1))
print(f"10 pixels of .1 um: distance, displacement {flat} of a track in 2D, {volume} in 3D")
assert np.allclose(flat, 1.0), "changed: in 2D"
assert np.allclose(volume, 10.0), "changed: in 3D"
P
