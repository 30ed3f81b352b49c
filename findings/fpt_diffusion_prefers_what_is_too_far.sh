#!/usr/bin/env bash
# fpt_diffusion 0.1.5: gcHungarian links a particle to one far beyond max_distance and not to the one beside it.
# Expected: with max_distance = 30 a particle that moves by 1 goes on as itself; the one at 100 ends, another starts at 300.
# Seen: 10 goes on at 300 and 100 at 11: a distance beyond the maximum, infinite, is put into a matrix of integers, where
# it becomes the smallest of them, and "too far" the cheapest link of all.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q fpt_diffusion==0.1.5 numpy==2.4.6 scipy==1.17.1 pandas==2.3.3 tqdm==4.67.1
"$room/v/bin/python" -W ignore - <<'P'
import numpy as np
import pandas as pd
from FPTdiffusion.analysis import gcHungarian
places = pd.DataFrame({"frame": [0, 0, 1, 1], "x": [10.0, 100.0, 11.0, 300.0], "y": 5.0})
linked = gcHungarian(places, max_distance=30, birth_death_cost=50)
goes_to = {}
for start in (10.0, 100.0):
    name = linked.particle[linked.x == start].item()
    goes_to[start] = linked.x[(linked.frame == 1) & (linked.particle == name)].tolist()
    print(f"the particle at {start:g} goes on at {goes_to[start]}, true {[11.0] if start == 10 else []}")
assert goes_to == {10.0: [300.0], 100.0: [11.0]}, "changed: the links"
P
