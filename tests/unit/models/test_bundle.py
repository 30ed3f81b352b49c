"""The bundle that comes with the package: tested by itself, exact symmetries, refusals."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from perrin.errors import PerrinError
from perrin.models.bundle import bundle_folder, list_bundles, load_bundle, read_card
from perrin.models.mixture import MixtureModel
from perrin.settings.diffusion import MixtureSettings
from perrin.simulate.mixtures import simulate_mixture

ROUNDING = 0.002  # float32 through ten layers


@pytest.fixture(scope="module")
def model() -> MixtureModel:
    return MixtureModel.load("mixture")


@pytest.fixture(scope="module")
def walks() -> tuple[list[np.ndarray], list[np.ndarray]]:
    settings = MixtureSettings(length=61, missing=0.1, noise=(0.0, 0.5))
    drawn = simulate_mixture(settings, count=40, rng=np.random.default_rng(0))
    return list(drawn.positions), list(drawn.seen)


def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle_folder("mixture"), tmp_path / "copy"))


def test_the_package_brings_a_network_that_passes_its_test() -> None:
    assert "mixture" in list_bundles()
    assert load_bundle("mixture").check_vector() < 1e-4


@pytest.mark.parametrize("name", list_bundles())
def test_shipped_networks_say_nothing_of_the_machine_that_made_them(name: str) -> None:
    content = (bundle_folder(name) / "model.onnx").read_bytes()
    assert b"site-packages" not in content
    assert b"stack_trace" not in content


def test_shares_sum_to_one_and_intervals_hold_the_middle(model, walks) -> None:
    prediction = model.predict(*walks).quantiles
    np.testing.assert_allclose(prediction[:, :4, 1].sum(axis=1), 1, atol=1e-5)
    assert (prediction[..., 0] <= prediction[..., 1] + 1e-9).all()
    assert (prediction[..., 1] <= prediction[..., 2] + 1e-9).all()
    assert ((prediction >= 0) & (prediction <= 1)).all()


def test_rotation_reflection_scale_and_place_change_nothing(model, walks) -> None:
    positions, seen = walks
    expected = model.predict(positions, seen).quantiles
    turn = np.array([[np.cos(0.7), -np.sin(0.7)], [np.sin(0.7), np.cos(0.7)]])
    for change in (turn, np.diag([1.0, -1.0]), 1e-4 * np.eye(2), 300 * turn):
        changed = [1e3 + track @ change.T for track in positions]
        np.testing.assert_allclose(model.predict(changed, seen).quantiles, expected, atol=ROUNDING)


def test_lengths_may_differ_in_one_call(model, walks) -> None:
    positions, seen = walks
    cut = [(p[:n], s[:n]) for p, s, n in zip(positions, seen, range(20, 60), strict=True)]
    together = model.predict([p for p, _ in cut], [s for _, s in cut]).quantiles
    alone = np.concatenate([model.predict([p], [s]).quantiles for p, s in cut])
    np.testing.assert_allclose(together, alone, atol=ROUNDING)


def test_what_the_card_does_not_cover_is_refused(model) -> None:
    walk, seen = np.cumsum(np.ones((1200, 2)), axis=0), np.ones(1200, dtype=bool)
    for frames in (9, 1001):
        with pytest.raises(PerrinError, match="covers 10 to 1000"):
            model.predict([walk[:frames]], [seen[:frames]])
    with pytest.raises(PerrinError, match="missing"):
        model.predict([walk[:100]], [np.arange(100) % 3 == 0])
    with pytest.raises(PerrinError, match="dimensions"):
        model.predict([np.zeros((100, 4))], [seen[:100]])


def test_unknown_and_damaged_bundles_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PerrinError, match="no model of that name"):
        load_bundle("nothing")
    folder = copied(tmp_path)
    (folder / "model.onnx").write_bytes((folder / "model.onnx").read_bytes() + b"x")
    with pytest.raises(PerrinError, match="not the file"):
        load_bundle(folder)
    (folder / "model.onnx").unlink()
    with pytest.raises(PerrinError, match="missing"):
        load_bundle(folder)
    (folder / "card.json").write_text("{}")
    with pytest.raises(PerrinError, match="no card"):
        read_card(folder)


def test_a_shipped_name_never_means_a_folder_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(bundle_folder("andi"), tmp_path / "mixture")
    shutil.copytree(bundle_folder("andi"), tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    assert load_bundle("mixture").card.task == "mixture"
    for path in ("./mixture", Path("mixture"), "./mine", f"{tmp_path}/mine"):
        assert load_bundle(path).card.task == "andi"
    with pytest.raises(PerrinError, match=r"given with a separator, as \./NAME"):
        load_bundle("mine")
    with pytest.raises(PerrinError, match=r"no card\.json in it"):
        load_bundle("./classifier")
    with pytest.raises(PerrinError, match="an empty name"):
        load_bundle("")


def test_a_bundle_that_answers_otherwise_is_not_used(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    card = json.loads((folder / "card.json").read_text())
    card["vector"]["outputs"]["answer"][0][4][1] += 0.01
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(PerrinError, match="off by"):
        load_bundle(folder)
