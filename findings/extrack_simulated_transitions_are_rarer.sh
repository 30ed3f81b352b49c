#!/usr/bin/env bash
# extrack 1.6.3: simulated particles change their state less often than the transition matrix says.
# Expected: sim_noBias(TrMat=[[.7, .3], [.6, .4]]), whose transitions are those from one position to the next, gives states
# that change from 0 to 1 in 30% of the steps and from 1 to 0 in 60%.
# Seen: 20% and 40%, by the true states that it returns itself. Each of 30 substeps changes with 1/30 of the probability, and
# changes back within a step are not seen; 10% and 20% become 9% and 17%.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q extrack==1.6.3 numpy==2.4.6 scipy==1.17.1 pandas==3.0.6 lmfit==1.3.4 matplotlib==3.10.8
"$room/v/bin/python" -W ignore - <<'P'
import numpy as np
from extrack.simulate_tracks import sim_noBias
np.random.seed(1)
def changes(p01, p10):
    matrix = np.array([[1 - p01, p01], [p10, 1 - p10]])
    _, states = sim_noBias(track_lengths=[50], track_nb_dist=[4000], Ds=[0, 0.05], TrMat=matrix)
    before, after = states["50"][:, :-1], states["50"][:, 1:]
    return after[before == 0].mean(), 1 - after[before == 1].mean()
for p01, p10 in ((0.3, 0.6), (0.1, 0.2)):
    seen = changes(p01, p10)
    both = p01 + p10
    rates = (1 - np.exp(-both)) / both
    print(f"asked for {p01} and {p10}: {seen[0]:.3f} and {seen[1]:.3f}; as rates {p01 * rates:.3f} and {p10 * rates:.3f}")
    assert abs(seen[0] / (p01 * rates) - 1) < 0.05 and abs(seen[1] / (p10 * rates) - 1) < 0.05, "changed: the simulation"
    assert seen[0] < 0.97 * p01, "changed: the matrix is that of steps"
P
