#!/usr/bin/env bash
# nolds 0.6.3 (Hurst exponents, DFA) cannot be imported on Python 3.11, where pip installs it without a word.
# Expected: `import nolds` works where the newest release installs.
# Seen: TypeError, 'nolds.datasets' is not a package (its data files are looked up from a module). Needs Python 3.11.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -c 'import sys; assert sys.version_info[:2] == (3, 11), "run with Python 3.11"'
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q nolds==0.6.3 numpy==2.4.6
seen=$("$room/v/bin/python" -c 'import nolds' 2>&1 | tail -1 || true)
echo "$seen"
[ "$seen" = "TypeError: 'nolds.datasets' is not a package" ] || { echo "changed"; exit 1; }
