#!/usr/bin/env bash
# andi_datasets 2.1.13: vacf() with its default lags (1, 2, 3, ...) divides by the value at lag 1, not by that at 0.
# Expected of steps of fractional Brownian motion: ((k + 1)^a + (k - 1)^a - 2 k^a) / 2 at lag k, which is
# -.29 -.05 -.03 for a = .5, 0 0 0 for a = 1, .41 .27 .22 for a = 1.5.
# Seen: 1.0 at lag 1 whatever the exponent, and the sign of the subdiffusive ones turned (.17 .08 after it).
# With taus=[0, 1, 2, 3] the values are right.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q andi_datasets==2.1.13 stochastic==0.6.0 numpy==1.26.4 scipy==1.17.1 pandas==3.0.6
"$room/v/bin/python" -W ignore - <<'P'
import numpy as np
from andi_datasets.analysis import vacf
from andi_datasets.models_phenom import models_phenom
for alpha in (0.5, 1.5):
    walks = np.cumsum([models_phenom.disp_fbm(alpha, 1, 200) for _ in range(300)], axis=1)
    lag = np.arange(1, 4)
    true = ((lag + 1.0) ** alpha + (lag - 1.0) ** alpha - 2.0 * lag**alpha) / 2
    plain, from_zero = vacf(walks)[0, :3], vacf(walks, taus=[0, 1, 2, 3])[0, 1:]
    print(f"alpha {alpha}, lags 1 2 3: default {plain.round(2)}, with lag 0 {from_zero.round(2)}, true {true.round(2)}")
    assert np.all(np.abs(from_zero - true) < 0.03), "changed: wrong with lag 0 too"
    assert plain[0] == 1 and np.all(plain > 0), "changed: the default lags"
P
