#!/usr/bin/env bash
# iocbio-fcs 1.1.0: iocbio-fcs-fit-psf finds a point spread function that is one voxel in N too wide.
# Expected: the waists of a Gaussian written with its voxel size: 0.30, 0.30 and 1.20 um.
# Seen: 0.33, 0.33 and 1.26: N voxels are put on N points from -N/2 to N/2 of a voxel, which are N / (N - 1) voxels apart
# (11 voxels across, 21 along). Times and D go with the square: D is 21% too large.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q numpy==2.4.6 scipy==1.17.1 h5py==3.16.0
"$room/v/bin/pip" install -q --no-deps iocbio-fcs==1.1.0
cd "$room" && "$room/v/bin/python" -W ignore - <<'P'
import h5py
import numpy as np
z, y, x = np.meshgrid(np.arange(-10, 11) * 0.2, np.arange(-5, 6) * 0.15, np.arange(-5, 6) * 0.15, indexing="ij")
with h5py.File("psf.h5", "w") as file:
    image = file.create_dataset("image", data=np.exp(-2 * (x**2 + y**2) / 0.3**2 - 2 * z**2 / 1.2**2))
    for axis, voxel_um in (("x", 0.15), ("y", 0.15), ("z", 0.2)):
        image.attrs[f"voxel size {axis}"] = voxel_um * 1e-6
P
"$room/v/bin/iocbio-fcs-fit-psf" psf.h5 | grep "^w_" | tee seen.txt
[ "$(awk '{print $2}' seen.txt | xargs)" = "0.33 0.33 1.26" ] || { echo "changed: the waists (true 0.30 0.30 1.20)"; exit 1; }
echo "true 0.30 0.30 1.20"
