#!/usr/bin/env bash
# mfbm 0.1.5: two components of different Hurst exponents both move like the larger one.
# Expected: MFBM([.3, .8]) without correlations is two fractional Brownian motions: mean squared displacements of 15.8 and
# 1585 at a lag of 100 steps. With one component, or two of .3, it is right.
# Seen: about 1040 and 1260: the subdiffusive component is superdiffusive, 65 times too far. The second half of the
# covariance is laid in backwards and turns the order of the components with it. And eta changes nothing at all: the
# numbers are the same to the last bit.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q mfbm==0.1.5 numpy==2.4.6
"$room/v/bin/python" - <<'P'
import numpy as np
from mfbm import MFBM
def walks(exponents, draws=200, **how):
    np.random.seed(1)
    model = MFBM(np.array(exponents), **how)
    return np.array([model.sample(500) for _ in range(draws)])
def msd(paths, lag=100):
    return np.mean((paths[:, :, lag:] - paths[:, :, :-lag]) ** 2, axis=(0, 2))
for exponents, seen in (([0.3], [15.8]), ([0.3, 0.3], [15.8, 15.8]), ([0.3, 0.8], [1040, 1260])):
    found, true = msd(walks(exponents)), 100 ** (2 * np.array(exponents))
    print(f"H {exponents}: MSD at lag 100 {found.round(1)}, true {true.round(1)}")
    assert np.allclose(found, seen, rtol=0.2), "changed"
rho, eta = np.array([[1, 0.3], [0.3, 1]]), np.array([[0, 0.2], [-0.2, 0]])
same = np.array_equal(walks([0.2, 0.3], 1, rho=rho), walks([0.2, 0.3], 1, rho=rho, eta=eta))
print(f"with and without eta: {'equal' if same else 'different'}")
assert same, "changed: eta"
P
