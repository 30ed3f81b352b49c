"""Training of classifiers: events, recipes, export and the way back; needs torch."""

from __future__ import annotations

import signal
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch")

from perrin.errors import PerrinError  # noqa: E402
from perrin.events import CLASSES, PAPER_CLASSES  # noqa: E402
from perrin.landing.views import HISTORY_CHANNELS  # noqa: E402
from perrin.models.classifier import ClassifierModel  # noqa: E402
from perrin.settings.classifier import ClassifierTraining, PaperTraining  # noqa: E402
from perrin.settings.simulation import ThumbnailSettings  # noqa: E402
from perrin.simulate.thumbnail_simulator import ThumbnailSimulator  # noqa: E402
from perrin.simulate.thumbnails import threads  # noqa: E402
from perrin.train.classifier import data  # noqa: E402
from perrin.train.classifier.export import (  # noqa: E402
    load_weights,
    write_our_bundle,
    write_paper_bundle,
)
from perrin.train.classifier.network import HistoryNetwork  # noqa: E402
from perrin.train.classifier.ours import _loss as our_loss  # noqa: E402
from perrin.train.classifier.ours import our_task  # noqa: E402
from perrin.train.classifier.paper import paper_task  # noqa: E402
from perrin.train.classifier.resnet import ResNet3D  # noqa: E402
from perrin.train.events import source  # noqa: E402
from perrin.train.loop import Task, read_metrics, train  # noqa: E402

SMALL = ClassifierTraining(steps=16, batch=8, warmup=2, validate_every=16, n_avgs=(10,), blanks=5)
LEARNS = SMALL.model_copy(
    update={
        "steps": 48,
        "batch": 32,
        "warmup": 4,
        "width": 8,
        "learning_rate": 5e-3,
        "average": 0.9,
        "blanks": 20,
    }
)


@pytest.fixture(scope="module")
def block() -> data.Batch:
    return data.draw_block(SMALL, source.Source(), 0)


def test_a_block_depends_on_its_number_alone(block: data.Batch) -> None:
    again = data.draw_block(SMALL, source.Source(), 0)
    np.testing.assert_array_equal(block.views, again.views)
    np.testing.assert_array_equal(block.labels, again.labels)
    other = data.draw_block(SMALL, source.Source(), 1)
    assert not np.array_equal(block.views, other.views)


def test_a_block_holds_all_classes_finite_and_weighted(block: data.Batch) -> None:
    assert len(block.labels) == data.BLOCK_STEPS * SMALL.batch
    assert set(block.labels) == set(range(len(CLASSES)))
    assert np.isfinite(block.views).all()
    assert (block.weight > 0).all()
    assert block.views[block.labels == 5].astype(float).std() > 0


def test_a_block_with_disturbed_instruments_is_finite_and_depends_on_its_number_alone(
    block: data.Batch,
) -> None:
    wrong = SMALL.model_copy(update={"varied": 0.0, "disturbed": 1.0})
    found, again = (data.draw_block(wrong, source.Source(), 0) for _ in range(2))
    np.testing.assert_array_equal(found.views, again.views)
    assert np.isfinite(found.views).all()
    assert len(found.labels) == len(block.labels)
    assert not np.array_equal(found.views, block.views)
    with pytest.raises(ValueError, match="together 1 at most"):
        ClassifierTraining(varied=0.6, disturbed=0.5)


def test_varied_instruments_are_valid_and_differ() -> None:
    rng = np.random.default_rng(0)
    plain = ThumbnailSettings()
    drawn = [source.varied(plain, rng=rng) for _ in range(50)]
    for one in drawn:
        ThumbnailSettings.model_validate(one.model_dump())
        ratio = one.instrument.pixel_nm / plain.instrument.pixel_nm
        assert 1 / 1.2 <= ratio <= 1.2
        mean_count = one.camera.electrons / one.camera.electrons_per_count
        assert mean_count == pytest.approx(40_000)  # the camera never saturates
    assert len({one.background.speckle_contrast for one in drawn}) == 50


def test_turning_keeps_each_channel() -> None:
    views = np.random.default_rng(0).random((30, 3, 5, 5)).astype(np.float32)
    turned = data.turned(views, rng=np.random.default_rng(1))
    np.testing.assert_allclose(
        np.sort(turned.reshape(30, 3, -1)), np.sort(views.reshape(30, 3, -1))
    )
    assert not np.array_equal(turned, views)


def test_departures_are_positive_where_the_molecule_was() -> None:
    settings = ThumbnailSettings(n_avg=5)
    seeds = np.random.SeedSequence(3).spawn(2)
    simulator = ThumbnailSimulator.of(
        settings, centering="truth", background=None, psf=None, seed=seeds[0]
    )
    labels = np.repeat(["binder", "unbinder", "roller"], 60)
    with threads(1) as pool:
        part = simulator.departures(labels, seed=seeds[1], pool=pool)
    before = part.stacks.shape[1] // 2
    # frames just before against just after the molecule left, at its place
    then = part.stacks[:, before - 3 : before, 8, 8].mean(axis=1)
    now = part.stacks[:, before + 1 : before + 4, 8, 8].mean(axis=1)
    heavy = part.truth["mass_kda"].to_numpy() > 150
    came_back_bright = (now - then)[heavy] > 0
    # a roller that leaves from beyond the patch is cut at its edge
    assert came_back_bright.mean() > 0.9


@dataclass(frozen=True)
class Learned:
    """A small network after training on one block, and the loss on fresh events before it."""

    network: HistoryNetwork
    run: Path
    fresh: data.Batch
    before: float


def loss_of(network: HistoryNetwork, batch: data.Batch) -> float:
    with torch.inference_mode():
        return float(our_loss(network.eval(), batch))


def task_on(block: data.Batch) -> Task[HistoryNetwork, data.Batch]:
    """Return the task of a small network whose batches are those of one block, over and over."""
    task = our_task(LEARNS, source.Source(), workers=1)
    rows = np.arange(len(block.labels)).reshape(-1, LEARNS.batch)
    pieces = [block[piece] for piece in rows]
    return replace(task, batches=lambda first: (pieces[k % len(pieces)] for k in count(first)))


@pytest.fixture(scope="module")
def own_block() -> data.Batch:
    return data.draw_block(LEARNS, source.Source(), 0)


@pytest.fixture(scope="module")
def learned(own_block: data.Batch, tmp_path_factory: pytest.TempPathFactory) -> Learned:
    run = tmp_path_factory.mktemp("run")
    task = task_on(own_block)
    fresh = data.draw_block(LEARNS, source.Source(), 1)
    before = loss_of(task.network, fresh)
    network = train(task, run=run, threads=1, validate=lambda _: {}, progress=lambda _: None)
    return Learned(network, run, fresh, before)


def test_our_network_learns_what_holds_for_fresh_events(learned: Learned) -> None:
    assert learned.before > np.log(len(CLASSES))  # it knew nothing: each class as likely
    assert loss_of(learned.network, learned.fresh) < 0.6 * learned.before
    losses = [row["loss"] for row in read_metrics(learned.run / "metrics.csv")]
    assert losses[-1] < 0.8 * losses[0]
    with torch.inference_mode():
        _, classes = learned.network(torch.from_numpy(learned.fresh.views.astype(np.float32)))
    right = (classes.argmax(dim=1).numpy() == learned.fresh.labels).mean()
    assert right > 2 / len(CLASSES)


def test_a_training_that_has_ended_is_not_begun_again(
    learned: Learned, own_block: data.Batch
) -> None:
    again = train(
        task_on(own_block),
        run=learned.run,
        threads=1,
        validate=lambda _: {},
        progress=lambda _: pytest.fail("a step was made"),
    )
    for a, b in zip(learned.network.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)


def test_ctrl_c_saves_and_the_run_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    settings = PaperTraining(events=100, width=4, epochs=2)
    watched: dict[str, object] = {"threads": 1, "progress": lambda _: None}

    def interrupt(step: int) -> None:
        if step == 3:
            signal.raise_signal(signal.SIGINT)

    task, validate = paper_task(settings)
    with pytest.raises(KeyboardInterrupt):
        train(task, run=tmp_path / "a", validate=validate, advanced=interrupt, **watched)
    assert torch.load(tmp_path / "a" / "checkpoint.pt", weights_only=True)["step"] == 3
    ends = []
    for name in ("a", "b"):
        task, validate = paper_task(settings)
        ends.append(train(task, run=tmp_path / name, validate=validate, **watched))
    for a, b in zip(*(end.state_dict().values() for end in ends), strict=True):
        torch.testing.assert_close(a, b)


def test_the_paper_s_recipe_runs(tmp_path: Path) -> None:
    settings = PaperTraining(events=100, width=4, epochs=2)
    task, validate = paper_task(settings)
    assert task.steps == 16
    said: list[dict[str, float]] = []
    train(task, run=tmp_path, threads=1, validate=validate, progress=said.append)
    assert [figures["step"] for figures in said] == [8, 16]
    assert all(0 <= figures["accuracy"] <= 1 for figures in said)
    # the batches of a resumed run are those that the first run had left
    whole, rest = list(task.batches(0)), list(task.batches(11))
    for a, b in zip(whole[11:], rest, strict=True):
        np.testing.assert_array_equal(a.views, b.views)


def test_a_deeper_network_begins_with_the_same_answers() -> None:
    torch.manual_seed(0)
    network = HistoryNetwork(width=8, blocks=1).eval()
    deeper = network.deepened(3).eval()
    assert sum(p.numel() for p in deeper.parameters()) > sum(
        p.numel() for p in network.parameters()
    )
    view = torch.randn(4, HISTORY_CHANNELS, 17, 17)
    for told, own in zip(deeper(view), network(view), strict=True):
        torch.testing.assert_close(told, own)


def test_networks_become_bundles_and_ours_comes_back(tmp_path: Path, learned: Learned) -> None:
    pytest.importorskip("onnxscript", reason="exporting needs onnxscript")
    network, folder = deepcopy(learned.network), tmp_path / "ours"
    write_our_bundle(network, folder, settings=LEARNS, source=source.Source(), curve=[], start=None)
    model = ClassifierModel.load(folder)
    assert model.classes == CLASSES
    assert b"site-packages" not in (folder / "model.onnx").read_bytes()
    views = learned.fresh.views[:100].astype(np.float32)
    with torch.inference_mode():
        scores, classes = learned.network(torch.from_numpy(views))
    given = model.bundle.run({"view": views}, ["score", "probability"])
    np.testing.assert_allclose(given["score"], 1 / (1 + np.exp(-scores.numpy())), atol=0.01)
    np.testing.assert_allclose(given["probability"], classes.softmax(dim=1).numpy(), atol=0.01)
    assert (
        np.ptp(given["probability"], axis=0).max() > 0.5
    )  # what was learned, not what it began with
    back = load_weights(folder).state_dict()
    for name, value in learned.network.state_dict().items():
        if value.ndim == 0:
            continue  # how many batches a norm has seen does not matter
        torch.testing.assert_close(value, back[name], rtol=1e-3, atol=1e-6)  # half precision
    stacks = np.ones((3, 60, 17, 17), np.float32)
    stacks += 1e-3 * np.random.default_rng(0).standard_normal(stacks.shape, dtype=np.float32)
    prediction = model.predict(stacks, np.ones((3, 17, 17), bool), n_avg=10, landing_sign=-1)
    np.testing.assert_allclose(prediction.probability.sum(axis=1), 1, atol=1e-5)
    with pytest.raises(PerrinError, match=r"pixel size is 120 nm.*60 to 86.4"):
        model.check_range(n_avg=10, pixel_nm=120, frame_interval_s=0.00413)
    with pytest.raises(PerrinError, match="n_avg is 60"):
        model.check_range(n_avg=60, pixel_nm=72, frame_interval_s=0.00413)
    paper = tmp_path / "paper"
    network = ResNet3D(width=4, classes=5).eval()
    write_paper_bundle(network, paper, settings=PaperTraining(), curve=[])
    model = ClassifierModel.load(paper)
    assert model.classes == PAPER_CLASSES
    found = model.outputs(
        stacks, np.ones((3, 17, 17), bool), ("features", "activations"), n_avg=10, landing_sign=-1
    )
    assert found["features"].shape == (3, 512)
    assert found["activations"].shape == (3, 20, 9, 9)
    with pytest.raises(PerrinError, match="only perrin's own can be tuned"):
        load_weights(paper)
    (folder / "weights.npz").write_bytes(b"not an archive")
    with pytest.raises(PerrinError, match="does not hold the weights"):
        load_weights(folder)
    with pytest.raises(PerrinError, match="is a mixture network"):
        ClassifierModel.load("mixture")
