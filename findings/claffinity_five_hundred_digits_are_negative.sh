#!/usr/bin/env bash
# claffinity 1.0.2: the "high accuracy" equation of competition, at 500 digits, gives a negative complex.
# Expected: the root of the mass balance: 1.0e-23 M of a weakly bound label beside a tight inhibitor, and with equal
# affinities and amounts of label and inhibitor one half of the protein bound to each.
# Seen: -8.5e-23 M: cube roots are powers of 0.3333333333333333, right to 16 of the 500 digits. And 0.586 instead of 0.500
# for two affinities of 1 fM: equal ones are told apart by adding 1e-15 M, here doubling one.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q claffinity==1.0.2 mpmath==1.3.0 progressbar2==4.5.0 numpy==2.4.6 pandas==2.3.3 matplotlib==3.10.8
MPLBACKEND=agg "$room/v/bin/python" -W ignore - <<'P'
from fractions import Fraction
from claffinity.high_accuracy_binding_equations import competition_pl
def true(protein, label, inhibitor, kd_label, kd_inhibitor):
    """Half the interval of the free protein until the mass balance is met, in fractions."""
    total, label, inhibitor, kd_label, kd_inhibitor = map(Fraction, (protein, label, inhibitor, kd_label, kd_inhibitor))
    low, high = Fraction(0), total
    for _ in range(200):
        free = (low + high) / 2
        bound = label * free / (kd_label + free) + inhibitor * free / (kd_inhibitor + free)
        low, high = (low, free) if free + bound > total else (free, high)
    return float(label * free / (kd_label + free))
weak, equal = ("1e-6", "1e-8", "1e-3", "1e-3", "1e-15"), ("1e-8", "1e-8", "1e-8", "1e-15", "1e-15")
seen = {}
for name, case in (("weak label", weak), ("equal affinities", equal)):
    seen[name] = float(competition_pl(*case).real), true(*case)
    print(f"{name}: bound {seen[name][0]:.4g} M, true {seen[name][1]:.4g} M")
assert -2e-22 < seen["weak label"][0] < 0 < seen["weak label"][1], "changed: the weak label"
assert abs(seen["equal affinities"][0] / 1e-8 - 0.586) < 0.001, "changed: equal affinities"
assert abs(seen["equal affinities"][1] / 1e-8 - 0.5) < 0.001
P
