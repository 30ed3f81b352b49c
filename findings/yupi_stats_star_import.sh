#!/usr/bin/env bash
# yupi 1.0.2: `from yupi.stats import *` raises AttributeError.
# Expected: the statistics its documentation lists. Seen: a comma is missing in __all__, so that
# it names "PsdStatKurtosisStat", which does not exist. Importing by name works.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q yupi==1.0.2 numpy==2.4.6
said=$("$room/v/bin/python" -c 'from yupi.stats import *' 2>&1 || true)
echo "$said" | tail -1
grep -q "no attribute 'PsdStatKurtosisStat'" <<<"$said"
