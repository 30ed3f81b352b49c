#!/usr/bin/env bash
# gillespie 0.0.3: simulate(..., duration) always takes one event more, the last counts are those behind the end.
# Expected: a bound molecule that leaves with .01 a second is still bound after 1 second in 99.0% of the runs, and no time
# is above `duration`, "maximum simulation time" in its docstring.
# Seen: the last count is 0 in every run, at 100 seconds in the mean: the event that crosses the end is kept.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q gillespie==0.0.3
"$room/v/bin/python" - <<'P'
import random
from gillespie import simulate
random.seed(1)
rate, duration = 0.01, 1.0
runs = [simulate([1], [lambda bound: rate * bound], [[-1]], duration) for _ in range(1000)]
bound = sum(counts[-1][0] for _, counts in runs) / len(runs)
end = sum(times[-1] for times, _ in runs) / len(runs)
print(f"bound at the end of {duration} s: {bound:.3f} of the runs, true .990; mean of the last time {end:.0f} s")
assert bound == 0, "changed: some are bound"
assert 85 < end < 115, "changed: the last time"
P
