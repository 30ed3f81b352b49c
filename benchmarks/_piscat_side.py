"""What PiSCAT does with the movie of ``against_piscat.py``; runs in PiSCAT's own environment.

The steps and their settings are those of PiSCAT's tutorial on protein detection: power
normalization, differential rolling average, difference of Gaussians in every frame, 2D
Gaussian fit of every localization. Each is timed after one pass over a short stretch, so that
compilation and worker start-up do not count.

Called as ``python _piscat_side.py movie.npy n_avg sigma threshold``; the last line is JSON.
"""

import json
import sys
import time

import numpy as np
from piscat.BackgroundCorrection import DifferentialRollingAverage
from piscat.Localization import particle_localization
from piscat.Preproccessing import normalization

WARM_UP_FRAMES = 200


def analyze(frames, n_avg, sigma, threshold):
    """Seconds of each step, and the number of localizations."""
    clock = [time.perf_counter()]

    def lap():
        clock.append(time.perf_counter())
        return clock[-1] - clock[-2]

    seconds = {}
    power, _ = normalization.Normalization(video=frames).power_normalized()
    seconds["power normalization"] = lap()
    rolling = DifferentialRollingAverage(video=power, batchSize=n_avg)
    video, _ = rolling.differential_rolling(FFT_flag=False)
    seconds["differential rolling average"] = lap()
    finder = particle_localization.PSFsExtraction(video=video)
    places = finder.psf_detection(
        function="dog",
        min_sigma=sigma,
        max_sigma=1.125 * sigma,
        sigma_ratio=1.1,
        threshold=threshold,
        overlap=0,
        mode="BOTH",
    )
    seconds["difference of Gaussians"] = lap()
    fits = finder.fit_Gaussian2D_wrapper(PSF_List=places, scale=5, internal_parallel_flag=True)
    seconds["2D Gaussian fits"] = lap()
    return seconds, len(fits)


if __name__ == "__main__":
    path, n_avg, sigma, threshold = sys.argv[1:]
    movie = np.load(path)
    settings = (int(n_avg), float(sigma), float(threshold))
    analyze(movie[:WARM_UP_FRAMES], *settings)
    taken, count = analyze(movie, *settings)
    print()
    print(json.dumps({"seconds": taken, "localizations": count}))
