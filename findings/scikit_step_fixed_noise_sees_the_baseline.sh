#!/usr/bin/env bash
# scikit-step 0.1.0: SDFixedGaussStepFinder finds steps in noise around 0 and misses steps on a baseline of 100.
# Expected: a constant added to a trace moves no step. Noise of 1000 points has a false step in about one trace of three,
# as by GaussStepFinder of the same package; a step of 5 standard deviations in 200 + 200 points is always found.
# Seen: noise around 0 has false steps in four traces of five, four a trace; on a baseline of 100 none, and the step of 5
# is missed. A segment scores (2 - 1/n) n mean^2 where n mean^2 is right.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q scikit-step==0.1.0 numpy==2.4.6 scipy==1.17.1
"$room/v/bin/python" - <<'P'
import numpy as np
from skstep import GaussStepFinder, SDFixedGaussStepFinder
rng = np.random.default_rng(1)
fixed, free = SDFixedGaussStepFinder(sigma=1.0), GaussStepFinder()
def found(finder, trace):
    return [int(place) for place in finder.fit(trace).step_positions[1:-1]]
noise = rng.normal(0, 1, (100, 1000))
shares = {base: np.mean([len(found(fixed, trace + base)) > 0 for trace in noise]) for base in (0, 100)}
usual = np.mean([len(found(free, trace)) > 0 for trace in noise])
step = np.repeat([0.0, 5.0], 200) + rng.normal(0, 1, 400)
at_0, at_100, free_100 = found(fixed, step), found(fixed, step + 100), found(free, step + 100)
print(f"traces of noise with steps: {shares[0]:.2f} around 0, {shares[100]:.2f} around 100, GaussStepFinder {usual:.2f}")
print(f"a step of 5 at 200: {at_0} from 0, {at_100} from 100, GaussStepFinder {free_100} from 100")
assert usual < 0.5 and 200 in free_100, "changed: GaussStepFinder"
assert shares[0] > 0.7 and shares[100] < 0.05, "changed: false steps"
assert 200 in at_0 and at_100 == [], "changed: the step"
P
