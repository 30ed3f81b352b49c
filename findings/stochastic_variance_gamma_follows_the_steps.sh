#!/usr/bin/env bash
# stochastic 0.6.0: the spread of a VarianceGammaProcess depends on how many steps it is drawn in.
# Expected: theta G(t) + sigma W(G(t)) has the variance (sigma^2 + nu theta^2) t = 4.0 at t = 1 (sigma 2, theta 0)
# however finely it is sampled, and a seeded rng gives the same path twice.
# Seen: 4.0 in 1 step, .4 in 10, .04 in 100 (the Gaussian steps carry the root of the time step, which the gamma
# steps have already); and the Gaussian part does not use the rng that was passed: two paths of one seed differ.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q stochastic==0.6.0 numpy==1.26.4 scipy==1.17.1
"$room/v/bin/python" -W ignore - <<'P'
import numpy as np
from stochastic.processes.continuous import VarianceGammaProcess
def process(seed):
    return VarianceGammaProcess(drift=0, variance=0.5, scale=2, t=1, rng=np.random.default_rng(seed))
found = {}
for steps in (1, 10, 100):
    drawn = process(0)
    found[steps] = np.var([drawn.sample(steps)[-1] for _ in range(8000)])
    print(f"{steps} steps: variance at t = 1 {found[steps]:.3f}, true 4")
assert abs(found[1] - 4) < 0.8, "changed: wrong in one step"
assert abs(found[10] - 0.4) < 0.08 and abs(found[100] - 0.04) < 0.008, "changed: does not follow the steps"
same = np.allclose(process(7).sample(20), process(7).sample(20))
print("two paths of seed 7 are the same:", same)
assert not same, "changed: the rng is used"
P
