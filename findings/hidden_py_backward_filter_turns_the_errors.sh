#!/usr/bin/env bash
# hidden-py 1.2.0: the backward filter reads the matrix of observations transposed.
# Expected: one observation has no past and no future, forward and backward estimates agree: for B = [[.9, .4], [.1, .6]],
# P(observed | state) with columns that add up to 1, observing 0 makes the states .9 : .4, that is .692 and .308.
# Seen: forward .692, .308; backward .900, .100, the odds of what state 0 is observed as.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q numba==0.66.0 numpy==2.4.6 scipy==1.17.1 pandas==3.0.6 loguru==0.7.3
"$room/v/bin/pip" install -q --no-deps hidden-py==1.2.0  # it asks for test and drawing packages too
"$room/v/bin/python" -W ignore - <<'P'
import numpy as np
from hidden_py.infer import MarkovInfer
emission, stay = np.array([[0.9, 0.4], [0.1, 0.6]]), np.eye(2)
model = MarkovInfer(2, 2)
forward, backward = (filtered([0], stay, emission)[0] for filtered in (model.forward_algo, model.backward_algo))
bayes = emission[0] / emission[0].sum()
print(f"observed 0: forward {forward.round(3)}, backward {backward.round(3)}, by Bayes {bayes.round(3)}")
assert np.allclose(forward, bayes), "changed: forward"
assert np.allclose(backward, [0.9, 0.1]), "changed: backward"
P
