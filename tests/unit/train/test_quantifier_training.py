"""Training of the quantifier: events with truth, loss, calibration, export and the way back."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch")

from perrin.errors import PerrinError  # noqa: E402
from perrin.events import CLASSES, PAPER_CLASSES  # noqa: E402
from perrin.landing.quantifier.quantify import sorts_as  # noqa: E402
from perrin.landing.quantifier.quantities import INTEGRATION, TARGETS  # noqa: E402
from perrin.landing.thumbnails import frames_around  # noqa: E402
from perrin.landing.views import stretches  # noqa: E402
from perrin.models.classifier import ClassifierModel  # noqa: E402
from perrin.models.quantifier import QuantifierModel, calibrated  # noqa: E402
from perrin.settings.quantifier import QuantifierTraining  # noqa: E402
from perrin.settings.simulation import BackgroundSettings, MassPrior  # noqa: E402
from perrin.train.classifier.export import load_weights as load_classifier  # noqa: E402
from perrin.train.classifier.network import HistoryNetwork  # noqa: E402
from perrin.train.events.source import Source  # noqa: E402
from perrin.train.loop import train  # noqa: E402
from perrin.train.quantifier import data  # noqa: E402
from perrin.train.quantifier.export import load_weights, write_bundle  # noqa: E402
from perrin.train.quantifier.intervals import (  # noqa: E402
    HeldOut,
    fit_error_shape,
    fit_intervals,
    quantile,
)
from perrin.train.quantifier.network import UNITS, QuantifierNetwork  # noqa: E402
from perrin.train.quantifier.ours import _loss as quantifier_loss  # noqa: E402
from perrin.train.quantifier.ours import flatness, pinball, quantifier_task, unlike  # noqa: E402

SMALL = QuantifierTraining(steps=8, batch=16, warmup=2, validate_every=8)
LEARNS = SMALL.model_copy(update={"steps": 32, "learning_rate": 3e-3, "average": 0.8})


@pytest.fixture(scope="module")
def block() -> data.Batch:
    return data.draw_block(SMALL, Source(), 0)


def test_a_block_depends_on_its_number_alone_and_holds_the_truth(block: data.Batch) -> None:
    again = data.draw_block(SMALL, Source(), 0)
    np.testing.assert_array_equal(block.views, again.views)
    np.testing.assert_array_equal(block.target, again.target)
    assert len(block.labels) == data.BLOCK_STEPS * SMALL.batch
    assert set(block.labels) == set(range(len(PAPER_CLASSES)))
    assert np.isfinite(block.views).all()
    np.testing.assert_allclose(
        block.target[:, 0] * block.scale, block.mass_kda * block.contrast_per_kda, rtol=1e-5
    )


def test_other_backgrounds_keep_psf_and_contrast() -> None:
    plain = Source().settings
    other = data.other_background(plain, rng=np.random.default_rng(1))
    assert other.instrument.optics == plain.instrument.optics
    assert other.instrument.pixel_nm == plain.instrument.pixel_nm
    assert other.instrument.contrast_per_kda == plain.instrument.contrast_per_kda
    assert other.background != plain.background


def test_weights_make_all_masses_equally_common(block: data.Batch) -> None:
    """Where a network sees the true mass, every event counts as one; elsewhere the prior goes."""
    seen = torch.from_numpy(block.target[:, 0])
    assert flatness(block, seen, SMALL.masses).numpy() == pytest.approx(1.0)
    light = replace(block, mass_kda=np.full_like(block.mass_kda, 100))
    heavy = replace(block, mass_kda=np.full_like(block.mass_kda, 300))
    ratio = flatness(heavy, seen, SMALL.masses) / flatness(light, seen, SMALL.masses)
    prior = SMALL.masses
    below = prior.low_fraction / (prior.middle_kda - prior.low_kda)
    above = (1 - prior.low_fraction) / (prior.high_kda - prior.middle_kda)
    seen_heavy = torch.from_numpy(block.mass_kda > prior.middle_kda)
    assert ratio[seen_heavy].numpy() == pytest.approx(below / above)
    assert ratio[~seen_heavy].numpy() == pytest.approx(5.0)  # no event counts for more than five


def test_the_loss_is_least_at_the_quantiles() -> None:
    truth = torch.randn(20_000, 1, generator=torch.Generator().manual_seed(1)).expand(-1, 5)

    def loss(*levels: float) -> float:
        return float(pinball(torch.tensor(levels).expand(len(truth), 5, 3), truth).mean())

    best = loss(-1.645, 0.0, 1.645)
    for other in ((-1.3, 0.0, 1.645), (-1.645, 0.2, 1.645), (-1.645, 0.0, 2.0)):
        assert loss(*other) > best


def test_neighbors_have_their_share(block: data.Batch) -> None:
    count = len(block.labels)
    fraction = np.mean(block.labels == PAPER_CLASSES.index("neighbors"))
    asked = SMALL.neighbors
    assert fraction == pytest.approx(asked, abs=4 * np.sqrt(asked * (1 - asked) / count))


def test_the_history_of_a_molecule_alone_is_what_a_clear_event_shows() -> None:
    """A heavy binder leaves its history, noise and focus apart: image, course and contrast."""
    masses = MassPrior(low_kda=1200, middle_kda=1200, high_kda=1200)
    settings = Source().settings.model_copy(
        update={"masses": masses, "background": BackgroundSettings.none()}
    )
    batch = data.events(
        Source(settings=settings),
        count=60,
        centering="detector",
        seed=np.random.SeedSequence(4),
        rng=np.random.default_rng(4),
        neighbors=0.01,
    )
    rests = batch.time_course.any(axis=1)
    assert rests.sum() > 10
    moving = np.isin(batch.labels, [PAPER_CLASSES.index(name) for name in ("roller", "wobbler")])
    np.testing.assert_array_equal(rests, ~moving)
    batch = batch[np.flatnonzero(rests & (batch.labels != PAPER_CLASSES.index("neighbors")))]
    shown = torch.from_numpy(batch.views[:, :31].astype(np.float32))
    assert float(unlike(0 * shown, batch)) == pytest.approx(np.log(2), rel=1e-3)
    # what is left is shot noise, in stretches of time and in the frames before
    before, after = frames_around(INTEGRATION)
    frames = stretches(before, after)
    frames[frames.any(axis=1), :before] -= 1 / before
    noise = (frames**2).sum() * 17**2 / settings.camera.electrons / batch.scale**2
    image, time_course = (values.astype(float) ** 2 for values in (batch.image, batch.time_course))
    power = batch.target[:, 0] ** 2 * image.sum(axis=(1, 2)) * time_course.sum(axis=1)
    assert float(unlike(shown, batch)) == pytest.approx(np.log1p(noise / power).mean(), rel=0.1)
    later = replace(batch, time_course=np.roll(batch.time_course, 2, axis=1))
    assert float(unlike(shown, later)) > 0.05


def test_disturbed_events_are_part_of_a_block_with_masses_and_contrasts_of_the_others() -> None:
    wrong = SMALL.model_copy(update={"varied": 0.0, "detected": 0.0, "disturbed": 1.0})
    found = data.draw_block(wrong, Source(), 0)
    assert np.isfinite(found.views.astype(float)).all()
    assert len(found.labels) == data.BLOCK_STEPS * wrong.batch
    assert found.mass_kda.max() <= wrong.masses.high_kda
    # the contrast for a mass is that of the instrument, but for the focus, whose spread is below .1
    assert np.median(found.contrast_per_kda) == pytest.approx(3.8e-5, rel=0.1)
    masses = MassPrior(low_kda=1200, middle_kda=1200, high_kda=1200)
    heavy = data.draw_block(wrong.model_copy(update={"masses": masses}), Source(), 0)
    rests = heavy.time_course.any(axis=1) & (heavy.labels == 0)
    heavy = heavy[np.flatnonzero(rests)]
    shown = torch.from_numpy(heavy.views[:, :31].astype(np.float32))
    # what the molecule alone looks like is what is shown, with the PSF after the exchange
    assert float(unlike(shown, heavy)) < 0.25 * np.log(2)


def test_another_trunk_is_put_under_a_quantifier_that_is_there() -> None:
    start, trunk = QuantifierNetwork(HistoryNetwork(8)), HistoryNetwork(8)
    task = quantifier_task(SMALL, Source(), workers=1, trunk=trunk, start=start)
    for name, value in trunk.state_dict().items():
        torch.testing.assert_close(value, task.network.trunk.state_dict()[name])
    with pytest.raises(PerrinError, match="1 blocks of 16 channels"):
        quantifier_task(SMALL, Source(), workers=1, trunk=HistoryNetwork(16), start=start)


def test_quantiles_rise_and_the_contrast_is_linear_in_the_data(block: data.Batch) -> None:
    torch.manual_seed(0)
    network = QuantifierNetwork(HistoryNetwork()).eval()
    view = torch.from_numpy(block.views[:6].astype(np.float32))
    with torch.inference_mode():
        quantiles = network(view)
        known, maps, logits = network.look(view)
        weights = network.weigh(maps)
        doubled = view.clone()
        doubled[:, :31] *= 2
        one = network.read(view, known, weights)[:, 0, 1]
        # the correction sees the sums too; where its last layer is 0 it is linear
        network.out.weight.zero_()
        network.out.bias.zero_()
        single = network.read(view, known, weights)[:, 0, 1]
        double = network.read(doubled, known, weights)[:, 0, 1]
    assert quantiles.shape == (6, 5, 3)
    assert logits.shape == (6, 2 * len(CLASSES))
    assert (quantiles.diff(dim=2) >= 0).all()
    assert torch.isfinite(one).all()
    torch.testing.assert_close(double, 2 * single)


def test_calibrated_intervals_cover_new_events_and_middles_are_unbiased() -> None:
    """Answers that are 5% too small, with intervals half as wide as they should be."""
    rng = np.random.default_rng(2)

    def drawn(count: int) -> tuple[HeldOut, np.ndarray]:
        truth = np.repeat(rng.uniform(5, 10, count)[:, None], len(TARGETS), axis=1)
        noise = 0.05 * truth[:, :1] * rng.standard_normal((count, 1))
        middle = np.where(np.arange(len(TARGETS)) == 0, 0.95 * (truth + noise), truth + noise)
        half = 0.5 * 1.645 * 0.05 * truth
        quantiles = np.stack([middle - half, middle, middle + half], axis=2)
        kind = np.eye(len(CLASSES))[rng.integers(5, size=count)]
        known = np.ones(truth.shape, bool)
        return HeldOut(quantiles, kind, truth, known, np.ones(count)), truth

    intervals = fit_intervals(drawn(20_000)[0], classes=len(CLASSES))
    new, truth = drawn(20_000)
    found = calibrated(new.quantiles, new.probability, intervals)
    error = np.median(found[:, 0, 1] / truth[:, 0]) - 1
    assert abs(error) < 4 * 1.2533 * 0.05 / np.sqrt(4000)
    inside = (found[:, :, 0] <= truth) & (truth <= found[:, :, 2])
    for target in (0, 2, 3, 4):  # a stay is cut off at the longest one
        assert inside[:, target].mean() == pytest.approx(0.9, abs=4 * np.sqrt(0.09 / 4000))


def test_the_share_of_wide_errors_is_recovered() -> None:
    rng = np.random.default_rng(5)
    wide = rng.random(12_000) < 0.04
    pulls = np.where(wide, 5.0, 0.9) * rng.standard_normal(len(wide))
    found = fit_error_shape(pulls, np.ones(len(pulls)))
    assert found.narrow == pytest.approx(0.9, abs=4 * 0.9 / np.sqrt(2 * 11_500))
    assert found.wide == pytest.approx(5.0, rel=4 / np.sqrt(2 * 0.7 * 480))  # 30% hide in the core
    assert found.fraction == pytest.approx(0.04, abs=4 * np.sqrt(0.04 / (0.7 * 12_000)))


def test_weighted_quantiles() -> None:
    values, weight = np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.0, 8.0])
    assert quantile(values, weight, 0.5) == 2.0
    assert quantile(values, weight, 0.05) == 1.0


def loss_of(network: QuantifierNetwork, batch: data.Batch) -> float:
    with torch.inference_mode():
        return float(quantifier_loss(network.eval(), batch, SMALL.masses))


def test_the_network_learns_and_becomes_a_bundle_that_comes_back(
    tmp_path: Path, block: data.Batch
) -> None:
    pytest.importorskip("onnxscript", reason="exporting needs onnxscript")
    trunk = load_classifier("default")
    task = quantifier_task(LEARNS, Source(), workers=1, trunk=trunk)
    rows = np.arange(len(block.labels)).reshape(-1, LEARNS.batch)
    pieces = [block[piece] for piece in rows]
    batches = lambda first: (pieces[k % len(pieces)] for k in count(first))  # noqa: E731
    fresh = data.draw_block(SMALL, Source(), 1)
    before = loss_of(task.network, fresh)
    network = train(
        replace(task, batches=batches),
        run=tmp_path / "run",
        threads=1,
        validate=lambda _: {},
        progress=lambda _: None,
    )
    assert loss_of(network, fresh) < 0.7 * before
    folder = tmp_path / "mine"
    write_bundle(
        network,
        folder,
        settings=SMALL,
        source=Source(),
        curve=[],
        start=None,
        classifier=ClassifierModel.load("default").identity,
        count=200,
    )
    model = QuantifierModel.load(folder)
    assert model.integration == INTEGRATION
    back = load_weights(folder).state_dict()
    for name, value in network.state_dict().items():
        if value.ndim == 0:
            continue  # how many batches a norm has seen does not matter
        torch.testing.assert_close(value, back[name], rtol=1e-3, atol=1e-6)  # half precision
    stacks = np.ones((3, 60, 17, 17), np.float32)
    stacks += 1e-3 * np.random.default_rng(0).standard_normal(stacks.shape, dtype=np.float32)
    views = fresh.views[:50].astype(np.float32)
    with torch.inference_mode():
        own = network(torch.from_numpy(views)).numpy()
    given = model.bundle.run({"view": views}, ["quantiles"])["quantiles"]
    np.testing.assert_allclose(given, own, rtol=1e-3, atol=1e-3 * np.abs(own).max())
    prediction = model.predict(stacks, np.ones((3, 17, 17), bool), landing_sign=-1)
    assert prediction.quantiles.shape == (3, len(TARGETS), 3)
    assert (np.diff(prediction.quantiles, axis=2) >= 0).all()
    with pytest.raises(PerrinError, match="pixel size is 84 nm"):
        model.check_range(pixel_nm=84, frame_interval_s=0.00413)
    with pytest.raises(PerrinError, match="stacks have 30 frames"):
        model.predict(stacks[:, :30], np.ones((3, 17, 17), bool), landing_sign=-1)
    with pytest.raises(PerrinError, match="is a classifier network"):
        QuantifierModel.load("classifier")
    assert len(UNITS) == len(TARGETS)
    # it gives the answers of the classifier that it looks through: its layers have not learned
    sorts = ClassifierModel.load("default")
    told = sorts.predict(stacks, np.ones((3, 17, 17), bool), n_avg=INTEGRATION, landing_sign=-1)
    np.testing.assert_allclose(prediction.score, told.score, atol=1e-5)
    np.testing.assert_allclose(prediction.probability, told.probability, atol=1e-5)
    assert sorts_as(model, sorts, n_avg=INTEGRATION)
