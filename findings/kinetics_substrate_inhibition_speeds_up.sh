#!/usr/bin/env bash
# kinetics 1.4.5: a reaction with SubstrateInhibition is faster than the same one without.
# Expected: kcat a / (km + a + a^2 / ki): for kcat = km = ki = 1 the rates at 1, 10, 100 are .333, .090, .010, those of
# Michaelis and Menten .500, .909, .990.
# Seen: .667, .991, 1.000, no maximum: a is replaced by a (1 + a / ki) above the line as well as below it.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q kinetics==1.4.5 numpy==2.4.6 scipy==1.17.1 pandas==3.0.6 matplotlib==3.10.8 SALib==1.5.2 deap==1.4.4 seaborn==0.13.2 tqdm==4.70.1
MPLBACKEND=agg "$room/v/bin/python" -W ignore - <<'P'
import numpy as np
import kinetics
def rate(substrate, *modifiers):
    reaction = kinetics.Uni(kcat="kcat", kma="km", a="A", enz="E", substrates=["A"], products=["P"])
    for modifier in modifiers:
        reaction.add_modifier(modifier)
    change = reaction.reaction(np.array([substrate, 1.0, 0.0]), ["A", "E", "P"], {"kcat": 1.0, "km": 1.0, "ki": 1.0})
    return float(change[2])
for a in (1.0, 10.0, 100.0):
    plain, inhibited, true = rate(a), rate(a, kinetics.SubstrateInhibition(ki="ki", a="A")), a / (1 + a + a**2)
    print(f"a = {a:g}: rate {plain:.3f}, with substrate inhibition {inhibited:.3f}, true {true:.3f}")
    assert abs(plain - a / (1 + a)) < 1e-9, "changed: Michaelis and Menten"
    assert abs(inhibited - a * (1 + a) / (1 + a * (1 + a))) < 1e-9, "changed: the inhibition"
P
