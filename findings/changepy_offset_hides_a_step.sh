#!/usr/bin/env bash
# changepy 0.4.0: normal_mean() finds a step of two standard deviations at 0 and not on a baseline of 100.
# Expected: a constant added to a trace moves no change point. The cost of a segment is the sum of squares about its mean; the
# step of 2 in 100 + 100 points is worth 200 of it, the penalty given is 20.
# Seen: [0, 100] without the constant, [0] with it: the cost sums |x| and divides by the length where x^2 is summed, so
# that each segment costs its mean more. With a cost of squares the same pelt() finds the step both times.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q changepy==0.4.0 numpy==2.4.6
"$room/v/bin/python" - <<'P'
import numpy as np
from changepy import pelt
from changepy.costs import normal_mean
def squares(data):
    sums, sums2 = np.append(0, np.cumsum(data)), np.append(0, np.cumsum(data**2))
    return lambda i, k: sums2[k] - sums2[i] - (sums[k] - sums[i]) ** 2 / (k - i)
def points(cost, trace):
    return [int(point) for point in pelt(cost, len(trace), pen=20)]
rng = np.random.default_rng(1)
trace = np.repeat([0.0, 2.0], 100) + rng.normal(0, 1, 200)
for base, seen in ((0, [0, 100]), (100, [0])):
    found, right = points(normal_mean(trace + base, 1.0), trace), points(squares(trace + base), trace)
    print(f"baseline {base}: normal_mean {found}, sum of squares {right}")
    assert right == [0, 100], "changed: pelt"
    assert found == seen, "changed: normal_mean"
P
