#!/usr/bin/env bash
# langesim 0.1.4: a bead at kT = 4 starts as one at kT = 1 and takes up heat in a trap that never changes.
# Expected: the start is drawn from "the equilibrium distribution": variance kT / k, 4 for noise_scaler = 4 in a trap of
# stiffness 1, and no heat flows in the mean.
# Seen: variance 1 at the start, 4 at the end, heat 1.5: the start is drawn at kT = 1 whatever noise_scaler, the kT, is.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q langesim==0.1.4 numba==0.59.1 numpy==1.26.4 scipy==1.17.1 pandas==2.3.3 cloudpickle==2.2.1 kdepy==1.1.12 plotly==5.24.1
"$room/v/bin/python" -W ignore - <<'P'
from langesim import Simulator
for kT, heat_seen in ((1.0, 0.0), (4.0, 1.5)):
    simulator = Simulator(tot_sims=4000, dt=0.01, tot_steps=600, snapshot_step=600, noise_scaler=kT)
    simulator.run()
    results = simulator.simulation[0].results
    first, last = results["x"].var(axis=0)
    heat = results["heat"][:, -1].mean()
    print(f"kT {kT:.0f}: variance {first:.2f} at the start, {last:.2f} at the end, true {kT:.0f}; heat {heat:.2f}, true 0")
    assert abs(first - 1) < 0.15, "changed: the start"
    assert abs(last / kT - 1) < 0.15, "changed: the noise"
    assert abs(heat - heat_seen) < 0.3, "changed: the heat"
P
