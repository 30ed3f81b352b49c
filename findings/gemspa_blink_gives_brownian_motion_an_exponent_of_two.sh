#!/usr/bin/env bash
# gemspa-spt 0.0.3: one blink near the start of a track makes Brownian motion superdiffusive.
# Expected: the MSD of a track with a gap has the lags that its frames have (or the gap is refused): D = 1, exponent 1.
# Seen: the lag times are those of the first detections: with frames 1 to 5 missing of 100 the MSD of two detections apart,
# 0.02 s, is written beside 0.07 s; the exponent is 2.3. Without the gap D and exponent are right.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q gemspa-spt==0.0.3 numpy==2.4.6 scipy==1.17.1 pandas==2.3.3
"$room/v/bin/python" -W ignore - <<'P'
import numpy as np
from gemspa_spt import ParticleTracks
random, all_frames = np.random.default_rng(1), np.arange(101)
for name, frames, exponent_seen in (("whole", all_frames, 1.0), ("1 to 5 missing", np.delete(all_frames, range(1, 6)), 2.3)):
    exponents = []
    for _ in range(200):
        places = random.normal(0, np.sqrt(2 * 0.01), (101, 2)).cumsum(axis=0)[frames]
        zeros = np.zeros(len(frames))
        tracks = ParticleTracks(tracks=np.column_stack([zeros, frames, zeros, places]))
        tracks.microns_per_pixel, tracks.time_lag_sec = 1.0, 0.01
        msd = tracks.msd(0)
        exponents.append(tracks.fit_msd_loglog(msd[1:, 0], msd[1:, 4], 2)[1])
    print(f"{name:14}: lags {msd[1:4, 0].round(2).tolist()} s, exponent {np.mean(exponents):.2f}, true 1")
    assert abs(np.mean(exponents) - exponent_seen) < 0.15, "changed: the exponent"
assert np.allclose(msd[1:4, 0], [0.06, 0.07, 0.08]), "changed: the lags"
P
