#!/usr/bin/env bash
# fpt_diffusion 0.1.5: bgdSignal measures the background with the particle in it.
# Expected: the pixels within sigma_multiplier sigmas of the fitted particle are left out: a camera's background of 100 +- 2 comes out.
# Seen: 107 +- 37, and the mask has the area of a larger particle elsewhere: the fit gives x, y and sigma in pixels, the mask
# takes them on an image that reaches from -10 to 10, whatever its size.
set -euo pipefail
room=$(mktemp -d); trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/v" && "$room/v/bin/pip" install -q fpt_diffusion==0.1.5 numpy==2.4.6 scipy==1.17.1 pandas==2.3.3 tqdm==4.67.1
"$room/v/bin/python" -W ignore - 2>/dev/null <<'P'
import numpy as np
import pandas as pd
from FPTdiffusion.analysis import bgdSignal, subpixelGaussian
random = np.random.default_rng(0)
y, x = np.mgrid[:41, :41]
distance = np.hypot(x - 20, y - 20)
movie = (random.normal(100, 2, (41, 41)) + 400 * np.exp(-(distance**2) / (2 * 2**2)))[None]
fitted = subpixelGaussian(movie, pd.DataFrame({"frame": [0], "x": [20.0], "y": [20.0]}), box_size=15)
background = bgdSignal(movie, fitted, sigma_multiplier=4).iloc[0]
beyond = movie[0][distance > 8]
print(f"fitted at {fitted.x_fit[0]:.2f}, {fitted.y_fit[0]:.2f}, sigma {fitted.sigma_x[0]:.2f}, true 20, 20, 2")
print(f"background {background.bg_mean:.1f} +- {background.bg_std:.1f}, true {beyond.mean():.1f} +- {beyond.std():.1f}")
assert abs(fitted.x_fit[0] - 20) < 0.1 and abs(fitted.sigma_x[0] - 2) < 0.1, "changed: the fit"
assert abs(background.bg_mean - 106.9) < 0.5 and abs(background.bg_std - 36.6) < 2, "changed: the background"
P
