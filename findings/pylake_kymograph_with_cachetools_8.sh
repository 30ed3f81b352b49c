#!/usr/bin/env bash
# lumicks.pylake 1.8.0 installs with cachetools 8 and then has no line time of a kymograph.
# Expected: what pip resolves for `lumicks.pylake==1.8.0` runs its own simulation of diffusing tracks.
# Seen: TypeError with cachetools 8.0.2 (a cached method below a property), fine with 7.0.0.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q lumicks.pylake==1.8.0 numpy==2.4.6
cat > "$room/tracks.py" <<'P'
from lumicks.pylake.simulation.diffusion import simulate_diffusive_tracks
try:
    print("tracks:", len(simulate_diffusive_tracks(0.5, 50, 1.0, num_tracks=3)))
except TypeError as error:
    print("TypeError:", str(error)[:60])
P
"$room/v/bin/pip" install -q cachetools==7.0.0; old=$("$room/v/bin/python" -W ignore "$room/tracks.py")
"$room/v/bin/pip" install -q cachetools==8.0.2; new=$("$room/v/bin/python" -W ignore "$room/tracks.py")
"$room/v/bin/pip" check >/dev/null && echo "pip check: cachetools 8.0.2 is allowed"
echo "cachetools 7.0.0: $old"; echo "cachetools 8.0.2: $new"
[ "$old" = "tracks: 3" ] || { echo "changed: fails with 7.0.0"; exit 1; }
case "$new" in "TypeError: Cannot call @cachedmethod"*) ;; *) echo "changed: runs with 8.0.2"; exit 1;; esac
