#!/usr/bin/env bash
# locan 0.22.0: between two independent sets of points the radial distribution is 2 and Ripley's K is negative.
# Expected of uniform random points: g(r) = 1 and K(r) = pi r^2, within one set as well as from one set to another
# (`other_locdata`), as the documentation has it for complete spatial randomness.
# Seen: g 1.0 within a set, 2.0 between two (the factor that makes up for pairs counted once is used where
# each counts by itself); K(1) of 3.2 within, -1.9 between (a point's match with itself, which is not there, is
# taken off). Nothing is said.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q locan==0.22.0 numpy==2.4.6 scipy==1.17.1 pandas==3.1.1
"$room/v/bin/python" -W ignore - <<'P'
import numpy as np
import locan
rng = np.random.default_rng(0)
one, other = (locan.LocData.from_coordinates(rng.uniform(0, 100, (n, 2))) for n in (2000, 1500))
found = {}
for name, second in (("within", None), ("between", other)):
    radial = locan.RadialDistribution(bins=np.arange(5)).compute(one, other_locdata=second)
    ripley = locan.RipleysKFunction(radii=[1.0], region_measure=1e4).compute(one, other_locdata=second)
    found[name] = float(radial.results.data.to_numpy().mean()), float(ripley.results["Ripley_k_data"].iloc[0])
    print(f"{name}: g {found[name][0]:.2f} (true 1), K(1) {found[name][1]:.2f} (true {np.pi:.2f})")
assert abs(found["within"][0] - 1) < 0.1 and abs(found["within"][1] - np.pi) < 0.4, "changed: within one set"
assert abs(found["between"][0] - 2) < 0.2, "changed: g between two sets"
assert found["between"][1] < -1, "changed: K between two sets"
P
