#!/usr/bin/env bash
# kinetics 1.4.5: Uni_mass_action_eq of pure A never makes a P, and its rate does not grow with A.
# Expected: mass action: kf (a - p / keq). From 3 of A with keq 2 and kf 1 equilibrium, 1 and 2, is reached within a few
# seconds; ten times the A reacts ten times as fast.
# Seen: 3 of A after 20 seconds: the rate is 0 where a or p is. With a trace of P it is kf, at 1 of A as at 10.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q kinetics==1.4.5 numpy==2.4.6 scipy==1.17.1 pandas==3.0.6 matplotlib==3.10.8 SALib==1.5.2 deap==1.4.4 seaborn==0.13.2 tqdm==4.70.1
MPLBACKEND=agg "$room/v/bin/python" -W ignore - <<'P'
import numpy as np
import kinetics
def reaction():
    made = kinetics.Uni_mass_action_eq(keq="keq", kf="kf", a="A", p="P", substrates=["A"], products=["P"])
    made.parameters = {"keq": 2.0, "kf": 1.0}
    return made
model = kinetics.Model()
model.append(reaction())
model.species = {"A": 3.0, "P": 0.0}
model.set_time(0, 20, 21)
model.setup_model()
model.run_model()
last = model.results_dataframe().iloc[-1]
few, many = (float(reaction().reaction(np.array([a, 1e-9]), ["A", "P"], {"keq": 2.0, "kf": 1.0})[1]) for a in (1.0, 10.0))
print(f"after 20 s: A {last['A']:.2f}, P {last['P']:.2f}, true 1 and 2; rate with a trace of P: {few:.2f} at 1 of A, {many:.2f} at 10")
assert (last["A"], last["P"]) == (3, 0), "changed: the start"
assert abs(few - 1) < 1e-6 and abs(many - 1) < 1e-6, "changed: the rate"
P
