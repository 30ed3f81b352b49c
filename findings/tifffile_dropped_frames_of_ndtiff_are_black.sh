#!/usr/bin/env bash
# tifffile 2026.3.3 reads the frames that a Micro-Manager run (NDTiff, ndstorage 0.1.18) dropped as black ones.
# Expected: six images at times 0 1 2 5 6 7 give six frames, or eight with a fill value that can be told from data.
# Seen: eight frames, those of times 3 and 4 all 0, in a camera's unsigned counts; no warning.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q ndstorage==0.1.18 tifffile==2026.3.3 numpy==2.3.5
cd "$room" && "$room/v/bin/python" -W error::UserWarning - <<'P'
from pathlib import Path
import numpy as np
import tifffile
from ndstorage import NDTiffDataset
run = NDTiffDataset(".", name="run", summary_metadata={}, writable=True)
for time in (0, 1, 2, 5, 6, 7):
    run.put_image({"time": time}, np.full((16, 24), 100 + time, np.uint16), {})
run.finish()
with tifffile.TiffFile(next(Path(".").rglob("*.tif"))) as file:
    frames = file.series[0].asarray()
print("axes", file.series[0].axes, "levels", frames[:, 0, 0])
assert frames[:, 0, 0].tolist() == [100, 101, 102, 0, 0, 105, 106, 107], "changed"
P
