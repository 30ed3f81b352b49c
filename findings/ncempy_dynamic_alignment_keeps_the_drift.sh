#!/usr/bin/env bash
# ncempy 1.16: stack_align(align_type="dynamic") returns images that still drift, beside shifts that are right.
# Expected: "All images are aligned to the first image", for dynamic by way of the one before: a spot that drifts by
# 1, 2 px a frame stays where it was in frame 0, as with align_type="static" and as the shifts returned say.
# Seen: frame 1 is in place, frame n where the spot was in frame n - 1: each image is moved by its step alone.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q ncempy==1.16 numpy==2.4.6 scipy==1.17.1
"$room/v/bin/python" -W ignore - <<'P'
import numpy as np
from ncempy.algo import stack_align
y, x = np.mgrid[:48, :64]
drift = np.arange(5)[:, None] * np.array([1, 2])
movie = np.array([100 * np.exp(-((y - 16 - dy) ** 2 + (x - 20 - dx) ** 2) / 8) for dy, dx in drift])
spot = {}
for kind in ("static", "dynamic"):
    aligned, shifts = stack_align(movie, align_type=kind)
    spot[kind] = [tuple(int(v) for v in np.unravel_index(image.argmax(), image.shape)) for image in aligned]
    print(f"{kind}: shifts {shifts.astype(int).tolist()}, spot at {spot[kind]}")
    assert np.array_equal(shifts, -drift), "changed: the shifts"
assert spot["static"] == [(16, 20)] * 5, "changed: static"
assert spot["dynamic"] == [(16, 20), (16, 20), (17, 22), (18, 24), (19, 26)], "changed: dynamic"
P
