#!/usr/bin/env bash
# kymotools 0.4.10: the fit that write_to_csv puts beside an MSD is not the fit: it has half its slope.
# Expected: intercept + 2 D dt, the line that measure_diffusion_coefficient fitted and that plot draws: it passes through the MSD.
# Seen: intercept + D dt, in the table the fit lies at half of the MSD; who takes D from the table's line takes half.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q kymotools==0.4.10 numpy==2.4.6 scipy==1.17.1 matplotlib==3.10.8 tifffile==2026.3.3 tqdm==4.67.1
cd "$room" && MPLBACKEND=agg "$room/v/bin/python" -W ignore - <<'P'
import csv
import numpy as np
from kymotools.kymo import Peak, Track
random, track = np.random.default_rng(1), Track(1)
for frame, place in enumerate(random.normal(0, np.sqrt(2 * 0.5), 2000).cumsum()):  # D = 0.5 pixels^2 per frame
    track.add_peak(Peak(frame, frame, 1.0, place, 1.0))
msd = track.calculate_msd(max_dt=10)
msd.write_to_csv("msd")
rows = [row for row in csv.reader(open("msd.csv")) if len(row) == 5][1:]
lags, seen, fitted = (np.array([float(row[k]) for row in rows]) for k in (1, 2, 4))
slopes = [float(np.polyfit(lags, values, 1)[0]) for values in (seen, fitted)]
print(f"D {msd.d_coeff:.3f}, true 0.5; slope of the MSD in the table {slopes[0]:.3f}, of the fit beside it {slopes[1]:.3f}")
assert abs(2 * msd.d_coeff / slopes[0] - 1) < 1e-3, "changed: the diffusion coefficient"
assert abs(2 * slopes[1] / slopes[0] - 1) < 1e-3, "changed: the fit in the table"
P
