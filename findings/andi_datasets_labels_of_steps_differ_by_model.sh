#!/usr/bin/env bash
# andi_datasets 2.1.13: which step a label belongs to depends on the model of models_phenom.
# Expected: the label of a frame says how the step from it goes on (or how the step to it went), in all models.
# Seen: slow and fast steps agree with the label of the frame that they start from in multi_state and confinement,
# and of the frame that they end at in immobile_traps and dimerization (a fast step is short by chance once in
# ten thousand); read the other way round, each change point of the latter lies a frame away from where the motion changes.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q andi_datasets==2.1.13 stochastic==0.6.0 numpy==1.26.4 scipy==1.17.1 pandas==3.0.6
"$room/v/bin/python" -W ignore - <<'P'
import numpy as np
from andi_datasets.models_phenom import models_phenom
np.random.seed(1)
make, two = models_phenom(), dict(alphas=[1.0, 1.0], Ds=[[1.0, 0], [1e-6, 0]])  # fast, and next to still
turns = np.array([[0.95, 0.05], [0.05, 0.95]])
made = {
    "multi_state": make.multi_state(N=60, L=None, T=200, M=turns, **two),
    "confinement": make.confinement(N=60, L=60, T=200, Nc=30, r=5, trans=0.1, **two),
    "immobile_traps": make.immobile_traps(N=60, L=60, T=200, Nt=300, Pu=0.05, Pb=0.5, r=0.6, alphas=1.0, Ds=[1.0, 0]),
    "dimerization": make.dimerization(N=60, L=30, T=200, Pu=0.05, Pb=0.5, r=0.8, **two),
}
seen = {}
for model, (places, labels) in made.items():
    still = np.hypot(*np.diff(places, axis=0).transpose(2, 0, 1))[2:-2] < 0.02  # the step from frame t to t + 1
    slow = labels[:, :, 2] == 0 if model == "immobile_traps" else labels[:, :, 1] < 0.5
    alike = [float((still == slow[2 + k : 2 + k + len(still)]).mean()) for k in (0, 1)]
    print(f"{model:15} still steps with such a label: of their first frame {alike[0]:.3f}, of their last {alike[1]:.3f}")
    seen[model] = "first" if alike[0] > alike[1] else "last"
    assert max(alike) > 0.999 > min(alike), "changed: neither frame has the label of all its steps"
assert seen == {"multi_state": "first", "confinement": "first", "immobile_traps": "last", "dimerization": "last"}, seen
P
