#!/usr/bin/env bash
# bayescd 0.4: one clean step has two change points, each with more than 70%.
# Expected: 40 points around 0 and 40 around 10 with noise of 1 leave no doubt where the step is: 1.00 at 39, the last point
# before it, and 0 at 38.
# Seen: .82 at 39 and .74 at 38: the likelihood of each segment takes in the first point of the next one. With the end
# of each segment one point earlier, the same recursion gives 1.00 and 0.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q bayescd==0.4 numpy==2.4.6 scipy==1.17.1 decorator==5.2.1
"$room/v/bin/python" -W ignore - <<'P'
from functools import partial
import numpy as np
from bayesian_changepoint_detection.bayesian_models import offline_changepoint_detection
from bayesian_changepoint_detection.offline_likelihoods import StudentT
from bayesian_changepoint_detection.priors import const_prior
class Apart:  # the likelihood of the same segments without the point behind them
    model = StudentT()
    def pdf(self, data, t, s):
        return self.model.pdf(data, t, s - 1)
rng = np.random.default_rng(1)
trace = np.repeat([0.0, 10.0], 40) + rng.normal(0, 1, 80)
def changes(likelihood):
    logs = offline_changepoint_detection(trace, partial(const_prior, p=1 / 81), likelihood)[2]
    return np.exp(logs).sum(axis=0)
seen, apart = changes(StudentT()), changes(Apart())
for name, places in (("as it is", seen), ("segments apart", apart)):
    print(f"{name}: {places[38]:.2f} at 38, {places[39]:.2f} at 39")
assert seen[38] > 0.6 and seen[39] > 0.6, "changed: as it is"
assert apart[39] > 0.95 and apart[38] < 0.05, "changed: the recursion"
P
