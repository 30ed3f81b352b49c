#!/usr/bin/env bash
# andi_datasets 2.1.13: disp_fbm(alpha, D, T, deltaT) scales the steps with the root of deltaT whatever alpha is.
# Expected: <x^2(t)> = 2 D t^alpha, as its docstring says: 2 at t = 1 for D = 1, drawn with any time step.
# Seen for alpha .5 at t = 1: 2.0 with deltaT 1, .63 with deltaT .1; for alpha 1.5: 2.0 and 6.3. Right for alpha 1.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q andi_datasets==2.1.13 stochastic==0.6.0 numpy==1.26.4 scipy==1.17.1 pandas==3.0.6
"$room/v/bin/python" -W ignore - <<'P'
import numpy as np
from andi_datasets.models_phenom import models_phenom
def msd_at_one(alpha, step):
    lag = round(1 / step)
    walks = np.cumsum([models_phenom.disp_fbm(alpha, 1, 200, deltaT=step) for _ in range(200)], axis=1)
    return float(np.mean((walks[:, lag:] - walks[:, :-lag]) ** 2))
for alpha, seen in ((0.5, 0.632), (1.0, 2.0), (1.5, 6.32)):
    whole, tenth = msd_at_one(alpha, 1), msd_at_one(alpha, 0.1)
    print(f"alpha {alpha}: <x^2(1)> {whole:.2f} with deltaT 1, {tenth:.2f} with deltaT .1, true 2")
    assert abs(whole / 2 - 1) < 0.1, "changed: wrong with deltaT 1"
    assert abs(tenth / seen - 1) < 0.15, "changed: with deltaT .1"
P
