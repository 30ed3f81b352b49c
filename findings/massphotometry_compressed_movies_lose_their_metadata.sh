#!/usr/bin/env bash
# massphotometry 0.1.0: of a compressed movie of the current format read_mp gives no frame rate and no pixel size.
# Expected: the same frames and the same metadata as of the movie stored plain: 496 Hz, 0.0118 um.
# Seen: the frames are right, frame rate 1, pixel 1 px, instrument "unknown", after a line that names 'movie/keyframe':
# the last frame is thrown away once it has proved the decompression, and then the converter asks it for the size of the image.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q massphotometry==0.1.0 h5py==3.16.0 hdf5plugin==6.0.0 numpy==2.4.6
cd "$room" && "$room/v/bin/python" -W ignore - <<'P'
import h5py
import numpy as np
from massphotometry import read_mp
movie = np.random.default_rng(0).normal(2000, 30, (6, 32, 32)).astype(np.uint16)
differences = np.concatenate([movie[:1], movie[1:] - movie[:-1]])  # modulo 2^16, as the format stores them
seen = {}
for name, frames in {"plain": movie, "compressed": differences}.items():
    with h5py.File(f"{name}.mp", "w") as file:
        file.update({"format_version_number": 3, "movie/frame": frames, "movie/keyframe": movie[-1:]})
        camera = {"frame_rate": 496.0, "frame_binning": 5, "pixel_binning": 6, "exposure_time": 1.9, "model": "camera"}
        file.update({f"movie/configuration/acq_camera/{key}": value for key, value in camera.items()})
        file["movie/device_serials/InstrumentName"] = "Refeyn TwoMP"
    read, metadata = read_mp(f"{name}.mp", convert_metadata=True)
    seen[name] = [metadata[key] for key in ("framerate", "pixelsize", "instrument")]
    print(f"{name}: frames equal {np.array_equal(read, movie)}, rate, pixel and instrument {seen[name]}")
    assert np.array_equal(read, movie), "changed: the frames"
assert seen["plain"] == [496.0, 0.0118, "Refeyn TwoMP"], "changed: the plain movie"
assert seen["compressed"] == [1, 1.0, "unknown"], "changed: the compressed movie"
P
