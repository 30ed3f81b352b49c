#!/usr/bin/env bash
# pyFRET 0.1.9: the proximity ratio of alternating excitation takes gamma on the wrong channel.
# Expected: E = A / (A + gamma D), as its docstring says and as FRET_data of the same package does: 100 photons of the
# acceptor, 50 of the donor and gamma = 2 are E = 0.5.
# Seen: A / (D + gamma A) = 0.4 by ALEX_data: with gamma above 1 no molecule can reach E = 1, with 2 none more than 0.5.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q setuptools==80.9.0 wheel==0.45.1 numpy==2.4.6 scipy==1.17.1 matplotlib==3.10.8 scikit-learn==1.8.0
"$room/v/bin/pip" install -q --no-deps --no-build-isolation pyFRET==0.1.9
MPLBACKEND=agg "$room/v/bin/python" -W ignore - <<'P'
from pyfret.pyALEX import ALEX_data
from pyfret.pyFRET import FRET_data
for donor, acceptor, gamma in ((50.0, 100.0, 1.0), (50.0, 100.0, 2.0), (0.0, 100.0, 2.0)):
    true = acceptor / (acceptor + gamma * donor)
    plain = FRET_data([donor], [acceptor]).proximity_ratio(gamma)[0]
    alex = ALEX_data([donor], [0.0], [acceptor], [120.0]).proximity_ratio(gamma)[0]
    print(f"donor {donor:g}, acceptor {acceptor:g}, gamma {gamma:g}: FRET_data {plain:.3f}, ALEX_data {alex:.3f}, true {true:.3f}")
    assert abs(plain - true) < 1e-9, "changed: FRET_data"
    assert abs(alex - acceptor / (donor + gamma * acceptor)) < 1e-9, "changed: ALEX_data"
P
