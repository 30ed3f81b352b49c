"""What a network sees and what it makes of it: t-SNE, and activations of example events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perrin.evaluate.predictions import check_instrument, drawn
from perrin.events import PAPER_CLASSES
from perrin.landing.fit import fit_patches
from perrin.landing.matched import WINDOW_PX
from perrin.landing.ratiometric import ratiometric
from perrin.landing.thumbnails import THUMBNAIL_PX, half_length
from perrin.landing.views import look
from perrin.models.classifier import ClassifierModel
from perrin.settings.simulation import ThumbnailSettings
from perrin.simulate.thumbnail_simulator import Part, ThumbnailSimulator
from perrin.types import FloatArray

MAP_COST = 2
"""Time of one t-SNE, in that of drawing its events: for the progress bar."""
_COMPONENTS = 50  # principal components that t-SNE starts from
_EXAMPLE_KDA = 150.0
_STEPS = (-8, -4, 0, 4, 8)  # frames of an example that are shown, from the landing


@dataclass(frozen=True)
class Example:
    """One event: frames (5, 17, 17) at `steps` from its landing, and activations by model.

    frames are ratiometric contrast, negative for a landing; activations (H, W) are the mean
    over channels, and over time where a network keeps it.
    """

    label: str
    mass_kda: float
    steps: tuple[int, ...]
    frames: NDArray[np.float32]
    activations: dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Shown:
    """Maps of events, one row an event, model and space (raw or learned), and examples.

    `tsne` has ``model``, ``space``, ``class``, ``mass_kda``, ``residual`` (root mean square of
    the PSF fit at the landing; NaN where it did not converge), ``x``, ``y``. It is empty, and
    `note` says so, without scikit-learn.
    """

    tsne: pd.DataFrame
    examples: tuple[Example, ...]
    note: str


def show(
    models: Sequence[ClassifierModel],
    *,
    simulated: ThumbnailSettings,
    count: int,
    seed: np.random.SeedSequence,
    report: Callable[[int], None] | None = None,
) -> Shown:
    """Draw `count` events of the paper's classes (protocol *paper*) and map them."""
    shared, events, start = seed.spawn(3)
    simulator = ThumbnailSimulator.of(
        simulated, centering="truth", background=None, psf=None, seed=shared
    )
    check_instrument(models, simulator)
    labels = np.resize(np.array(PAPER_CLASSES), count)
    parts, about, spaces = [], [], []
    for own, part in drawn(simulator, labels, seed=events):
        truth = {"class": own, "mass_kda": part.truth["mass_kda"].to_numpy(float)}
        about.append(pd.DataFrame(truth | {"residual": _residuals(part, simulator)}))
        spaces.append(_spaces(models, part, simulator))
        parts.append(part)
        if report is not None:
            report(len(own))
    table = pd.concat(about, ignore_index=True)
    joined = {key: np.concatenate([space[key] for space in spaces]) for key in spaces[0]}
    maps, note = [], ""
    number = int(start.generate_state(1)[0])
    placed: dict[tuple[str, str], FloatArray] = {}
    try:
        for name, values in joined.items():
            placed[name] = tsne(values, seed=number)
            if report is not None:
                report(MAP_COST * count)
    except ImportError:
        note = "no t-SNE: scikit-learn is not installed; pip install 'perrin[evaluate]'"
    for model in models:
        for space, key in (("raw", model.bundle.card.view), ("learned", model.name)):
            if (space, key) in placed:
                x, y = placed[space, key].T
                maps.append(table.assign(model=model.name, space=space, x=x, y=y))
    return Shown(
        pd.concat(maps, ignore_index=True) if maps else pd.DataFrame(),
        tuple(_example(models, name, table, parts, simulator) for name in PAPER_CLASSES),
        note,
    )


def tsne(values: NDArray[np.floating[Any]], *, seed: int) -> FloatArray:
    """Return places (N, 2) of rows (N, F): t-SNE of their first 50 principal components."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    count = min(_COMPONENTS, *values.shape)
    reduced = PCA(count, random_state=seed).fit_transform(np.asarray(values, float))
    places = TSNE(
        perplexity=min(30.0, (len(values) - 1) / 3), init="pca", random_state=seed
    ).fit_transform(reduced)
    return np.asarray(places, float)


def _spaces(
    models: Sequence[ClassifierModel], part: Part, simulator: ThumbnailSimulator
) -> dict[tuple[str, str], NDArray[np.float32]]:
    """Raw views (N, F) by kind of view, and learned features (N, F) by model."""
    found: dict[tuple[str, str], NDArray[np.float32]] = {}
    how: dict[str, Any] = {
        "n_avg": simulator.settings.n_avg,
        "landing_sign": simulator.landing_sign,
    }
    for model in models:
        view = model.bundle.card.view
        if ("raw", view) not in found:
            seen = look(part.stacks, part.inside, view=view, **how)
            found["raw", view] = seen.reshape(len(seen), -1)
        outputs = model.outputs(part.stacks, part.inside, ("features",), **how)
        found["learned", model.name] = outputs["features"]
    return found


def _contrast(part: Part, simulator: ThumbnailSimulator) -> NDArray[np.float32]:
    """Ratiometric frames (N, T, 17, 17), negative for a landing."""
    sign = np.float32(-simulator.landing_sign)
    change: NDArray[np.float32] = sign * ratiometric(part.stacks, n_avg=simulator.settings.n_avg)
    return change


def _residuals(part: Part, simulator: ThumbnailSimulator) -> FloatArray:
    landing = _contrast(part, simulator)[:, half_length(simulator.settings.n_avg)]
    edge = (THUMBNAIL_PX - WINDOW_PX) // 2
    window = (slice(None), slice(edge, -edge), slice(edge, -edge))
    return fit_patches(landing[window], psf=simulator.psf, inside=part.inside[window]).residual


def _example(
    models: Sequence[ClassifierModel],
    label: str,
    table: pd.DataFrame,
    parts: Sequence[Part],
    simulator: ThumbnailSimulator,
) -> Example:
    """Return the event of a class whose mass is nearest to 150 kDa."""
    away = (table["mass_kda"] - _EXAMPLE_KDA).abs().where(table["class"] == label)
    row = int(away.argmin())
    mass = float(table["mass_kda"][row])
    for part in parts:
        if row < len(part.stacks):
            break
        row -= len(part.stacks)
    n_avg = simulator.settings.n_avg
    stacks, inside = part.stacks[row : row + 1], part.inside[row : row + 1]
    activations = {}
    for model in models:
        found = model.outputs(
            stacks, inside, ("activations",), n_avg=n_avg, landing_sign=simulator.landing_sign
        )["activations"][0]
        activations[model.name] = found.reshape(-1, *found.shape[-2:]).mean(axis=0)
    change = np.float32(-simulator.landing_sign) * ratiometric(stacks, n_avg=n_avg)[0]
    shown = np.array(_STEPS) + half_length(n_avg)
    return Example(label, mass, _STEPS, change[shown], activations)
