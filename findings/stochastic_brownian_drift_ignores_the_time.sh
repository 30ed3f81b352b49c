#!/usr/bin/env bash
# stochastic 0.6.0: BrownianMotion(drift, t).sample() ends at `drift`, not at drift * t.
# Expected: drift, "rate of change of the expected value", of 1 over t = 3 ends at 3 in the mean (6 over t = 6).
# Seen: 1.0 in both; sample_at() of the same object, asked for the same times, ends at 3 and 6.
# GeometricBrownianMotion.sample() inherits it.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q stochastic==0.6.0 numpy==1.26.4 scipy==1.17.1
"$room/v/bin/python" -W ignore - <<'P'
import numpy as np
from stochastic.processes.continuous import BrownianMotion
for t in (3.0, 6.0):
    walk = BrownianMotion(drift=1.0, scale=0.5, t=t, rng=np.random.default_rng(0))
    plain = np.mean([walk.sample(50)[-1] for _ in range(2000)])
    at = np.mean([walk.sample_at(np.linspace(0, t, 51))[-1] for _ in range(2000)])
    print(f"t {t}: sample() ends at {plain:.2f}, sample_at() at {at:.2f}, drift * t = {t}")
    assert abs(at - t) < 0.2, "changed: sample_at is wrong too"
    assert abs(plain - 1) < 0.2, "changed: sample follows t"
P
