#!/usr/bin/env bash
# rosettasciio 0.15.0 reads the signed bytes of an MRC movie (mode 0) as unsigned ones; mrcfile 1.5.4 writes them.
# Expected: MRC2014 says that mode 0 is signed 8 bit; mrcfile and ncempy 1.16 read -120 ... 110.
# Seen: the negative half moved up by 256: -120 becomes 136, and dark is brighter than bright. Nothing is said.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v"
"$room/v/bin/pip" install -q rosettasciio==0.15.0 mrcfile==1.5.4 ncempy==1.16 numpy==2.4.6
cd "$room" && "$room/v/bin/python" -W ignore - <<'P'
import mrcfile
import numpy as np
from ncempy.io.mrc import mrcReader
from rsciio.mrc import file_reader
movie = np.arange(-120, 120, 10, dtype=np.int8).reshape(2, 3, 4)
with mrcfile.new("movie.mrc") as file:
    file.set_data(movie)
    file.set_image_stack()
seen = {"mrcfile": mrcfile.read("movie.mrc"), "ncempy": mrcReader("movie.mrc")["data"]}
seen["rosettasciio"] = np.asarray(file_reader("movie.mrc")[0]["data"])
print("mode", int(mrcfile.open("movie.mrc", header_only=True).header.mode), "first row written", movie[0, 0])
for name, read in seen.items():
    print(name, read.dtype, read[0, 0])
assert all((seen[name] == movie).all() for name in ("mrcfile", "ncempy")), "changed: mrcfile or ncempy"
assert (seen["rosettasciio"] == movie.astype(int) % 256).all(), "changed: rosettasciio"
P
