#!/usr/bin/env bash
# openfret 0.1.3: load_csv_traces() keeps the first column of a CSV trace only, the acceptor is gone.
# Expected: a file with the columns donor and acceptor becomes a trace of two channels ("all columns are data channels").
# Seen: one channel, donor. The rows are used up while the first column is read; no warning.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q openfret==0.1.3 numpy==2.4.6
mkdir -p "$room/traces/wild_type"
printf 'donor,acceptor\n100,20\n90,30\n20,95\n' > "$room/traces/wild_type/molecule_1.csv"
"$room/v/bin/python" -W error - "$room/traces" <<'P'
import sys
from openfret import load_csv_traces
(trace,) = load_csv_traces(sys.argv[1]).traces
channels = {channel.channel_type: channel.data for channel in trace.channels}
print(f"channels read: {channels}, written: donor and acceptor")
assert channels == {"donor": [100.0, 90.0, 20.0]}, "changed"
P
