#!/usr/bin/env bash
# andi_datasets 2.1.13: change points written by label_continuous_to_list() are read a frame later by its inverse.
# Expected: labels to a list of change points and back with label_list_to_continuous() gives the same labels.
# Seen: 1 1 1 2 2 2 2 3 3 3 becomes change points 3, 7, 10 (the first frame of each new segment, and the length), and
# those become 1 1 1 1 2 2 2 2 3 3: every segment but the first starts a frame late. The challenge's scoring
# of segments (create_binary_segment) counts that way too.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q andi_datasets==2.1.13 stochastic==0.6.0 numpy==1.26.4 scipy==1.17.1 pandas==3.0.6
"$room/v/bin/python" -W ignore - <<'P'
import numpy as np
from andi_datasets.utils_challenge import label_continuous_to_list, label_list_to_continuous
alphas = np.array([1, 1, 1, 2, 2, 2, 2, 3, 3, 3.0])
points, found, _ = label_continuous_to_list(np.c_[alphas, np.ones(10)])
back = label_list_to_continuous(points, found)
print("labels      ", alphas.astype(int), "\nchange points", points, "\nback        ", back.astype(int))
assert points.tolist() == [3, 7, 10], "changed: the list of change points"
assert back.astype(int).tolist() == [1, 1, 1, 1, 2, 2, 2, 2, 3, 3], "changed: the way back"
P
