"""What a quantifier reaches on fresh events, protocol *use*: accuracy, bias, coverage, the bound.

Every event is seen as the permissive detector centers it. Beside the network stand the plain
PSF fit of the peak frame (n_avg 10, 40 ms), and, at the middle mass, the oracle and the fitted
path of `perrin.evaluate.bound`. Masses are exact, without the width of a sample; the focus,
which differs from molecule to molecule, is part of the error of all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perrin.evaluate.bound import Fitter, Noise, seen_of
from perrin.evaluate.card_rows import card_rows
from perrin.evaluate.kept import Kept
from perrin.evaluate.out_of_distribution import flagged
from perrin.evaluate.predictions import drawn, fresh_seed
from perrin.evaluate.quantifier_tables import (
    FULL,
    WHITE,
    accuracy,
    bound_rows,
    coverage,
    motion,
)
from perrin.events import LANDING_CLASSES
from perrin.landing.fit import fit_patches
from perrin.landing.quantifier.quantify import sorts_as
from perrin.landing.quantifier.quantities import INTEGRATION, TARGETS
from perrin.landing.ratiometric import ratiometric
from perrin.landing.thumbnails import half_length
from perrin.models.classifier import ClassifierModel
from perrin.models.quantifier import QuantifierModel
from perrin.optics.psf import Psf
from perrin.settings.evaluation import QuantifierEvaluation
from perrin.settings.simulation import BackgroundSettings, MassPrior, ThumbnailSettings
from perrin.simulate.quantities import around, central, truth_of
from perrin.simulate.thumbnail_simulator import Centering, Part, ThumbnailSimulator

_FIT = slice(2, 15)  # of a thumbnail: the 13 x 13 pixels of the fit
_NOISE_COUNT = 4000
_SPEED_EVENTS, _SPEED_BLOCK = 3000, 500


@dataclass(frozen=True)
class QuantifierFigures:
    """What was measured, as tables."""

    settings: QuantifierEvaluation
    """What it was measured with."""
    accuracy: pd.DataFrame
    """One row a background, mass and class: number, fraction within 5%, spread (half of the central
    68%), bias (median) with its standard error, coverage of the 90% intervals; of the network, and
    of the fit where it converged."""
    bound: pd.DataFrame
    """At the middle mass, on the same events: spread, bias and fraction within 5% of oracle, fitted
    path, network and fit; ``bound``, the mean Cramer-Rao error with the focus."""
    coverage: pd.DataFrame
    """Bias and coverage over the mass prior by class, and by fifths of the predicted relative
    width."""
    motion: pd.DataFrame
    """Of residence time, path length, displacement and speed by class: median and spread of the
    error, coverage."""
    out_of_distribution: pd.DataFrame
    """Fraction flagged of usual events and of those that no training has."""
    events: pd.DataFrame
    """All events at the middle mass, full background: what figures are drawn from."""
    events_per_s: dict[str, float]
    """Events in a second on all cores: network alone, and with the classifier."""

    def for_card(self) -> dict[str, Any]:
        """Return the figures as a card holds them: rounded, None for no number."""
        return {
            "protocol": "use: centered by the permissive detector, five classes in equal parts, "
            "simulator's own instrument, exact masses; spread is half of the central 68%",
            "settings": self.settings.model_dump(mode="json"),
            "accuracy": card_rows(self.accuracy),
            "bound": card_rows(self.bound),
            "coverage": card_rows(self.coverage),
            "motion": card_rows(self.motion),
            "out_of_distribution": card_rows(self.out_of_distribution),
            "events_per_s": {name: round(rate, 1) for name, rate in self.events_per_s.items()},
        }


def evaluate_quantifier(
    model: QuantifierModel,
    *,
    settings: QuantifierEvaluation,
    classifier: ClassifierModel | None = None,
    simulated: ThumbnailSettings | None = None,
    psf: Psf | None = None,
    kept: Kept | None = None,
    progress: Callable[[float], None] | None = None,
) -> QuantifierFigures:
    """Return what a quantifier reaches; `PerrinError` if it does not cover the instrument.

    Parameters
    ----------
    model, settings
        What is measured, and how.
    classifier, simulated, psf : optional
        For the speed of both together; instrument, surface and motions, by default the
        simulator's own; its PSF, by default the analytic one.
    kept : Kept, optional
        Tables of a run with the same arguments that was stopped; it goes on after them.
    progress : callable, optional
        Called with the fraction done, 0 to 1.

    """
    plain = (simulated or ThumbnailSettings()).model_copy(update={"n_avg": INTEGRATION})
    work = _Work(model, settings, plain, psf, kept or Kept(), progress)
    cells = [work.cell(where, mass) for where in (FULL, WHITE) for mass in settings.masses_kda]
    prior = work.prior()
    bounds = [
        row
        for background in (FULL, WHITE)
        if settings.bound_count
        for row in bound_rows(work.bound(background), background, plain)
    ]
    everything = pd.concat(cells, ignore_index=True)
    shown = everything[(everything["background"] == FULL) & (everything["cell_kda"] == work.middle)]
    return QuantifierFigures(
        settings=settings,
        accuracy=accuracy(everything),
        bound=pd.DataFrame(bounds),
        coverage=coverage(prior),
        motion=motion(prior),
        out_of_distribution=flagged(
            model, plain, count=settings.count // 10 + 50, seed=settings.seed, psf=psf
        ),
        events=shown.reset_index(drop=True),
        events_per_s=work.events_per_s(classifier),
    )


@dataclass
class _Work:
    """The parts of an evaluation, and how much of it is done."""

    model: QuantifierModel
    settings: QuantifierEvaluation
    simulated: ThumbnailSettings
    psf: Psf | None
    kept: Kept
    progress: Callable[[float], None] | None
    done: int = field(default=0)

    @property
    def middle(self) -> float:
        """The middle one of the masses, nearest to 180 kDa: where the bound is measured."""
        return min(self.settings.masses_kda, key=lambda mass: abs(mass - 180.0))

    def cell(self, background: str, mass: float) -> pd.DataFrame:
        """Return events of one mass, and what network and fit say of them."""
        number = [FULL, WHITE].index(background), round(10 * mass)
        rows = self._measured(
            f"{background}-{mass:g}-kda", self._settings(background, _only(mass)), *number
        )
        return rows.assign(background=background, cell_kda=mass)

    def prior(self) -> pd.DataFrame:
        """Return events of the paper's masses on the full background."""
        return self._measured("prior", self._settings(FULL, MassPrior()), 2)

    def bound(self, background: str) -> pd.DataFrame:
        """Return events of the middle mass with what oracle and path fit say of them."""
        count = len(LANDING_CLASSES) * self.settings.bound_count
        return self._kept(f"bound-{background}", count, lambda: self._bound(background))

    def _bound(self, background: str) -> pd.DataFrame:
        simulated = self._settings(background, _only(self.middle))
        noise = Noise.measured(simulated, psf=self.psf, count=_NOISE_COUNT, seed=self.settings.seed)
        shared, own = fresh_seed(self.settings.seed, 3, len(background)).spawn(2)
        simulator = self._simulator(simulated, "detector", shared)
        fitter = Fitter(simulator, noise)
        labels = np.repeat(np.array(LANDING_CLASSES), self.settings.bound_count)
        left = dict.fromkeys(LANDING_CLASSES, self.settings.fitted_count)
        parts = []
        for names, part in drawn(simulator, labels, seed=own):
            rows = self._rows(part, simulator, names)
            parts.append(_with_bound(rows, part, fitter, left))
            self._say(len(names))
        return pd.concat(parts, ignore_index=True)

    def events_per_s(self, classifier: ClassifierModel | None) -> dict[str, float]:
        """Return how many events the network answers in 1 s, warm; with a classifier too."""
        shared, own = fresh_seed(self.settings.seed, 4).spawn(2)
        simulator = self._simulator(self.simulated, "truth", shared)
        labels = np.resize(np.array(LANDING_CLASSES), _SPEED_BLOCK)
        ((_, part),) = drawn(simulator, labels, seed=own)

        def quantify() -> None:
            self.model.predict(part.stacks, part.inside, landing_sign=-1)

        found = {"quantifier": _rate(quantify)}
        if classifier is not None and sorts_as(self.model, classifier, n_avg=INTEGRATION):
            found["with the classifier"] = found["quantifier"]  # its answers are among the others
        elif classifier is not None:

            def both() -> None:
                quantify()
                classifier.predict(part.stacks, part.inside, n_avg=INTEGRATION, landing_sign=-1)

            found["with the classifier"] = _rate(both)
        return found

    def _simulator(
        self, simulated: ThumbnailSettings, centering: Centering, seed: np.random.SeedSequence
    ) -> ThumbnailSimulator:
        return ThumbnailSimulator.of(
            simulated, centering=centering, background=None, psf=self.psf, seed=seed
        )

    def _settings(self, background: str, masses: MassPrior) -> ThumbnailSettings:
        changes: dict[str, Any] = {"masses": masses}
        if background == WHITE:
            changes["background"] = BackgroundSettings.none()
        return self.simulated.model_copy(update=changes)

    def _measured(self, name: str, simulated: ThumbnailSettings, *key: int) -> pd.DataFrame:
        count = len(LANDING_CLASSES) * self.settings.count
        return self._kept(name, count, lambda: self._drawn(simulated, *key))

    def _drawn(self, simulated: ThumbnailSettings, *key: int) -> pd.DataFrame:
        shared, own = fresh_seed(self.settings.seed, *key).spawn(2)
        simulator = self._simulator(simulated, "detector", shared)
        labels = np.resize(np.array(LANDING_CLASSES), self.settings.count * len(LANDING_CLASSES))
        parts = []
        for names, part in drawn(simulator, labels, seed=own):
            parts.append(self._rows(part, simulator, names))
            self._say(len(names))
        return pd.concat(parts, ignore_index=True)

    def _rows(
        self, part: Part, simulator: ThumbnailSimulator, names: NDArray[np.str_]
    ) -> pd.DataFrame:
        """What is true of each event, and what network and fit say; masses in kDa."""
        each = abs(simulator.instrument.contrast_per_kda)
        predicted = self.model.predict(part.stacks, part.inside, landing_sign=-1)
        frames = ratiometric(part.stacks, n_avg=INTEGRATION)
        peak = frames[:, half_length(INTEGRATION), _FIT, _FIT]
        fitted = fit_patches(peak, psf=simulator.psf, inside=part.inside[:, _FIT, _FIT])
        truth, known = truth_of(central(part))
        table = pd.DataFrame(
            {
                "class": names,
                "mass_kda": truth[:, 0] / each,
                "predicted_low_kda": predicted.quantiles[:, 0, 0] / each,
                "predicted_kda": predicted.quantiles[:, 0, 1] / each,
                "predicted_high_kda": predicted.quantiles[:, 0, 2] / each,
                "fit_kda": -fitted.contrast / each,
                "predicted_class": np.array(self.model.classes, object)[
                    predicted.probability.argmax(axis=1)
                ],
                "out_of_distribution": predicted.out_of_distribution,
            }
        )
        for k, name in enumerate(TARGETS[1:], start=1):
            table[f"{name}_true"] = np.where(known[:, k], truth[:, k], np.nan)
            for end, column in zip(("_low", "", "_high"), predicted.quantiles[:, k].T, strict=True):
                table[f"{name}{end}"] = column
        return table

    def _kept(self, name: str, events: int, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        """Return a table, made or kept, and count its events as done."""
        before = self.done
        table = self.kept.table(name, make)
        self._say(before + events - self.done)
        return table

    def _say(self, events: int) -> None:
        """Count further events as done."""
        each = len(LANDING_CLASSES) * self.settings.count
        total = each * (2 * len(self.settings.masses_kda) + 1)
        total += 2 * len(LANDING_CLASSES) * self.settings.bound_count
        self.done += events
        if self.progress is not None:
            self.progress(min(1.0, self.done / total))


def _only(mass: float) -> MassPrior:
    return MassPrior(low_kda=mass, middle_kda=mass, high_kda=mass)


def _rate(run: Callable[[], None]) -> float:
    run()
    started, count = perf_counter(), 0
    while count < _SPEED_EVENTS:
        run()
        count += _SPEED_BLOCK
    return count / (perf_counter() - started)


def _with_bound(
    rows: pd.DataFrame, part: Part, fitter: Fitter, left: dict[str, int]
) -> pd.DataFrame:
    """Add ``oracle_kda``, ``bound_kda`` and ``path_kda`` where the whole thumbnail is in view."""
    each = abs(fitter.simulator.instrument.contrast_per_kda)
    seen = seen_of(part.stacks, part.inside)
    whole = part.inside.all(axis=(1, 2))
    middle, others = central(part), around(part)
    table = np.full((len(rows), 3), np.nan)
    for k in np.flatnonzero(whole):
        truth, name = middle.iloc[k], rows["class"][k]
        found = fitter.oracle(seen[k], truth, others[others["row_of"] == k])
        table[k, :2] = found.contrast / each, found.se / each
        if name != "neighbors" and left[name] > 0:
            table[k, 2] = fitter.path_fit(seen[k], truth) / each
            left[name] -= 1
    return rows.assign(oracle_kda=table[:, 0], bound_kda=table[:, 1], path_kda=table[:, 2])
