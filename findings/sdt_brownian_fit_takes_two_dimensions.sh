#!/usr/bin/env bash
# sdt-python 20.1.4: Msd(...).fit("brownian") divides the slope by 4 however many coordinates it was given.
# Expected: columns={"coords": [...]} takes one, two or three coordinates; D = slope / 2, / 4, / 6.
# Seen: D of .24, .49 and .76 for a true .5.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q sdt-python==20.1.4 numpy==2.3.5 scipy==1.17.1 pandas==3.1.1
"$room/v/bin/python" -W ignore - <<'P'
import numpy as np
import pandas as pd
from sdt.motion import Msd
found = {}
for coords in (["x"], ["x", "y"], ["x", "y", "z"]):
    walk = np.cumsum(np.random.default_rng(1).normal(size=(20000, len(coords))), axis=0)
    table = pd.DataFrame(walk, columns=coords).assign(frame=np.arange(len(walk)), particle=0)
    fit = Msd(table, frame_rate=1, n_lag=5, n_boot=0, columns={"coords": coords}).fit("brownian")
    found[len(coords)] = float(fit.get_results().fit["D"])
    print(f"{len(coords)} coordinates: D {found[len(coords)]:.2f}, true 0.50")
assert abs(found[2] - 0.5) < 0.03, "changed: wrong in two dimensions"
assert abs(found[1] - 0.25) < 0.03 and abs(found[3] - 0.75) < 0.06, "changed: follows the dimensions"
P
