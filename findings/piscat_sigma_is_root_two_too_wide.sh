#!/usr/bin/env bash
# piscat 1.1.4: the Gaussian fitted to a spot of an iSCAT image has a "sigma" of 1.41 times the standard deviation.
# Expected: a spot exp(-r^2 / (2 s^2)) with s = 2.5 pixels has X-Sigma and Y-Sigma 2.5, as detectors and other packages say it.
# Seen: 3.54, amplitude and place exact: the model is exp(-r^2 / s^2), the half of a Gaussian's exponent is missing.
# Only this module is loaded: the package as a whole asks for a neural network library and two of windows.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q numpy==2.4.6 scipy==1.17.1 matplotlib==3.10.8
"$room/v/bin/pip" install -q --no-deps piscat==1.1.4
MPLBACKEND=agg "$room/v/bin/python" -W ignore - <<'P'
import importlib.metadata
import runpy
import numpy as np
(path,) = [f.locate() for f in importlib.metadata.files("piscat") if f.name == "gaussian_2D_fit.py"]
fit = runpy.run_path(str(path))["fit_2D_Gaussian_varAmp"]
y, x = np.mgrid[:21, :21]
for sigma in (1.5, 2.5):
    image = 1 + 0.1 * np.exp(-((x - 10) ** 2 + (y - 10) ** 2) / (2 * sigma**2))
    amplitude, place_x, _, sigma_x, sigma_y, _ = fit(image, 2.0, 2.0)[1]
    print(f"amplitude {amplitude:.3f}, x {place_x:.2f}, sigma {sigma_x:.3f}, {sigma_y:.3f}, true 0.1, 10, {sigma}, {sigma}")
    assert abs(amplitude - 0.1) < 1e-6 and abs(place_x - 10) < 1e-6, "changed: amplitude or place"
    assert abs(abs(sigma_x) / sigma - 2**0.5) < 1e-4, "changed: sigma"
P
