#!/usr/bin/env bash
# xtiff 0.7.9 with the tifffile that pip resolves (2026.3.3) writes a picture as one page for each of its rows.
# Expected: to_tiff() of a picture of 6 x 8 pixels of .1 um writes an OME-TIFF with one page of 6 x 8, and a resolution
# of 100000 pixels a centimeter; so it does with tifffile 2022.4.22, the lowest that xtiff allows.
# Seen: six pages of 8 x 1 under OME-XML of one plane of 6 x 8, and 100000 pixels an inch (.25 nm): the shape's last
# axis of one sample and the unit are taken in other ways by now. No warning.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q xtiff==0.7.9 tifffile==2026.3.3 numpy==2.4.6
"$room/v/bin/pip" install -q --no-deps --target "$room/old" tifffile==2022.4.22
cat > "$room/write.py" <<'P'
import sys
import numpy as np
import tifffile
import xtiff
name = f"{sys.argv[1]}/picture_{tifffile.__version__}.ome.tiff"
xtiff.to_tiff(np.arange(48, dtype=np.uint16).reshape(6, 8), name, pixel_size=0.1)
with tifffile.TiffFile(name) as file:
    tags = file.pages[0].tags
    unit = {2: "inch", 3: "centimeter"}[int(tags["ResolutionUnit"].value)]
    print(len(file.pages), "pages of", file.pages[0].shape, tags["XResolution"].value[0], "a", unit)
P
new=$("$room/v/bin/python" -W error "$room/write.py" "$room" 2>/dev/null)
old=$(PYTHONPATH="$room/old" "$room/v/bin/python" -W ignore "$room/write.py" "$room")
echo "tifffile 2026.3.3: $new"; echo "tifffile 2022.4.22: $old"
[ "$old" = "1 pages of (6, 8) 100000 a centimeter" ] || { echo "changed: with the old tifffile"; exit 1; }
[ "$new" = "6 pages of (8, 1) 100000 a inch" ] || { echo "changed: with the new tifffile"; exit 1; }
