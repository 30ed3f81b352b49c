#!/usr/bin/env bash
# trait2d 1.2.1: calculate_msd() leaves the first position out, and the mean MSD of a list of tracks is one lag early.
# Expected: x = 0, 100, 100, 100, ... has a mean squared displacement of 100^2 / (n - lag) at every lag. x = 0, 1, 2, ... at
# .1 s has (lag / .1 s)^2: 1 at .1 s, and nothing at 0 s.
# Seen: zeros, as if the step had not happened; ListOfTracks.get_msd() says 1 at 0 s, 4 at .1 s, 9 at .2 s. Pictures of one
# track have the right times.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q numpy==2.4.6 scipy==1.17.1 pandas==3.0.6 tqdm==4.70.1
"$room/v/bin/pip" install -q --no-deps trait2d==1.2.1  # it asks for a desktop toolkit that the analysis does not use
"$room/v/bin/python" -W ignore - 2>/dev/null <<'P'
import numpy as np
from trait2d.analysis import ListOfTracks, Track
def measured(x):
    track = Track(x, np.zeros(len(x)), 0.1 * np.arange(len(x)))
    track.calculate_msd()
    return track
jump = measured([0] + [100] * 7).get_msd()
print(f"a step of 100 between the first two of 8 positions: MSD {jump.tolist()}, true {[round(1e4 / (8 - k)) for k in range(1, 6)]}")
assert not jump.any(), "changed: the first position"
times, msd, _ = ListOfTracks([measured(range(12))]).get_msd()
print("one step of 1 each .1 s:", ", ".join(f"{value:.0f} at {time:.1f} s" for time, value in zip(times[:3], msd[:3], strict=True)))
assert np.allclose(msd, np.arange(1, 10) ** 2) and np.allclose(times, 0.1 * np.arange(9)), "changed: the times"
P
