"""How much of what a shifted instrument costs the classifier is won back by tuning.

The instrument has a PSF 15% wider, other speckle and more drift. Its buffer movie and PSF are
simulated into files and given to ``perrin train classifier --from default``, as a user would.
Beside it stands what as many batches on the instrument itself give: its simulator, exactly
known. What that does not win back is the instrument's own loss. Events to judge by are drawn
from seeds that the tuning does not use.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from _measure import perrin_command, print_table, run_child
from perrin.evaluate import roc
from perrin.evaluate.predictions import RANGES, fresh_seed, predict_on
from perrin.io.refeyn_write import write_mp
from perrin.models.classifier import ClassifierModel
from perrin.optics.psf import Psf
from perrin.settings.simulation import LandingAssay, ThumbnailSettings
from perrin.simulate.movie import simulate_movie

COUNT, SEED, BUFFER_S = 8000, 20_263, 60.0
WIDER = 1.15


def main() -> None:
    plain, shifted = ThumbnailSettings(), shifted_instrument()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        buffer, epsf = files_of(shifted, folder)
        started = time.perf_counter()
        run_child(
            [
                perrin_command(), "train", "classifier", "--from", "default", "--buffer", buffer,
                "--epsf", epsf, "--out", folder / "tuned", "--measure", "500",
            ]
        )  # fmt: skip
        took = time.perf_counter() - started
        settings = json.loads((folder / "tuned-run" / "settings.json").read_text())["settings"]
        models = [ClassifierModel.load("default"), ClassifierModel.load(folder / "tuned")]
        models.append(learned_on(shifted, folder / "exact"))
    print(f"Tuned in {took / 60:.1f} minutes, measuring included: {settings['steps']} batches of ")
    print(f"{settings['batch']} events. AUC of binders, {COUNT} fresh events a set.\n")
    rows = []
    for k, (masses, prior) in enumerate(RANGES.items()):
        auc = []
        for simulated, asked in ((plain, models[:1]), (shifted, models)):
            predictions = predict_on(
                asked,
                simulated=simulated.model_copy(update={"masses": prior}),
                count=COUNT,
                seed=fresh_seed(SEED, k),
            )
            auc += [roc.auc(score[:, 0], predictions.true == 0) for score in predictions.score]
        lost, back = auc[0] - auc[1], auc[2] - auc[1]
        rows.append((masses, *(f"{value:.4f}" for value in auc), f"{back / lost:.0%}"))
    heads = ("own instrument", "shifted", "shifted, tuned", "shifted, exactly known")
    print_table(("masses", *heads, "of the loss won back by tuning"), rows)


def learned_on(shifted: ThumbnailSettings, folder: Path) -> ClassifierModel:
    """Return the default network after a tuning on the simulated instrument itself."""
    from perrin.settings.classifier import ClassifierTraining
    from perrin.train.classifier.export import load_weights, write_our_bundle
    from perrin.train.classifier.ours import our_task
    from perrin.train.events.source import Source
    from perrin.train.loop import train

    settings = ClassifierTraining.tuning().model_copy(update={"varied": 0.0, "seed": 77})
    source = Source(settings=shifted)
    network = train(
        our_task(settings, source, workers=1, start=load_weights("default")),
        run=folder.with_name("exact-run"),
        threads=1,
        validate=lambda _: {},
        progress=lambda figures: print(figures, file=sys.stderr),
    )
    write_our_bundle(
        network, folder, settings=settings, source=source, curve=[], start="classifier"
    )
    return ClassifierModel.load(folder)


def shifted_instrument() -> ThumbnailSettings:
    """Return the simulator's settings with another microscope and surface."""
    plain = ThumbnailSettings()
    values = plain.model_dump()
    optics = values["instrument"]["optics"]
    optics["wavelength_nm"] *= WIDER
    optics["envelope_nm"] *= WIDER
    values["background"] |= {
        "speckle_contrast": 2.0e-2,
        "dynamic_contrast": 4e-4,
        "drift_nm_per_sqrt_s": 4.0,
    }
    return ThumbnailSettings.model_validate(values)


def files_of(shifted: ThumbnailSettings, folder: Path) -> tuple[Path, Path]:
    """Write what a user has: a buffer movie and a PSF."""
    assay = LandingAssay(
        instrument=shifted.instrument, camera=shifted.camera, background=shifted.background
    )
    psf = Psf.analytic(shifted.instrument.optics, pixel_nm=shifted.instrument.pixel_nm)
    movie, _ = simulate_movie(assay, seconds=BUFFER_S, seed=SEED, psf=psf)
    write_mp(folder / "buffer.mp", movie)
    psf.save(folder / "psf.npz")
    return folder / "buffer.mp", folder / "psf.npz"


if __name__ == "__main__":
    main()
