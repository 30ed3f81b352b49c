#!/usr/bin/env bash
# andi_datasets 2.1.13: changepoint_alpha_beta() gives full marks to one of three change points, and ignores `threshold`.
# Expected: a true change point without a prediction counts as a distance of `threshold` (the measure it cites does
# so), hence alpha of 1/3 where one of three is found; a change point 8 frames off is wrong for threshold=2
# (alpha 2/3) and nearly right for threshold=50 (.95).
# Seen: alpha 1.0 and beta 1.0 for one of three; .73 for thresholds 2 and 50 alike (10 is set in its body).
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q andi_datasets==2.1.13 stochastic==0.6.0 numpy==1.26.4 scipy==1.17.1 pandas==3.0.6
"$room/v/bin/python" -W ignore - <<'P'
import numpy as np
from andi_datasets.utils_challenge import changepoint_alpha_beta
true = np.array([20, 40, 60])
one = changepoint_alpha_beta(true, np.array([20]))
print("one of three found: alpha, beta", [float(v) for v in one], "expected alpha 0.33")
assert tuple(one) == (1, 1), "changed: missed change points cost something"
off = {t: float(changepoint_alpha_beta(true, np.array([20, 40, 68]), threshold=t)[0]) for t in (2, 50)}
print("one is 8 frames off, alpha by threshold:", off, "expected", {2: 0.67, 50: 0.95})
assert off[2] == off[50], "changed: the threshold is used"
P
