"""What `perrin doctor` says, and that it notices what is wrong."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from perrin import doctor
from perrin.models import bundle


def test_all_is_well_here(run: Any) -> None:
    status, out, _ = run("doctor", "--no-speed")
    assert status == 0
    for name in bundle.list_bundles():
        assert f"  {name}" in out
    assert out.count("answers as recorded") == len(bundle.list_bundles())
    assert "numpy 2." in out
    assert "MISSING" not in out
    assert out.rstrip().endswith("all is well")


def test_a_network_that_answers_otherwise_is_named(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = bundle.load_bundle

    def damaged(name: str) -> Any:
        loaded = load(name)
        if name == "kinds":
            vector = loaded.card.vector
            off = {k: [[v + 1 for v in row] for row in rows] for k, rows in vector.outputs.items()}
            loaded.card = loaded.card.model_copy(
                update={"vector": vector.model_copy(update={"outputs": off})}
            )
        return loaded

    monkeypatch.setattr(bundle, "load_bundle", damaged)
    status, out, _ = run("doctor", "--no-speed")
    assert status == 1
    assert "kinds             FAILED: model kinds: its test input gives answers" in out
    assert "NOT WELL" in out


def test_an_extra_that_is_not_there_says_how_to_get_it(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = doctor._version
    monkeypatch.setattr(doctor, "_version", lambda name: None if name == "av" else there(name))
    (video,) = [extra for extra in doctor.extras() if extra.name == "video"]
    assert video.missing == ("av",)
    assert "pip install 'perrin[video]'" in run("doctor", "--no-speed")[1]


def test_a_package_that_is_not_there_is_not_well(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    there = doctor._version
    monkeypatch.setattr(doctor, "_version", lambda name: None if name == "scipy" else there(name))
    status, out, _ = run("doctor", "--no-speed")
    assert status == 1
    assert "MISSING: scipy (pip install scipy)" in out


def test_the_extras_are_those_of_the_package() -> None:
    asked = {extra for _, extra in doctor._requirements()} - {"", "test", "docs"}
    assert asked == set(doctor.EXTRAS)
    assert all(dataclasses.astuple(one)[1] for one in doctor.extras())


@pytest.mark.parametrize("compiled", [True, False])
def test_speed_and_first_run(run: Any, monkeypatch: pytest.MonkeyPatch, compiled: bool) -> None:
    monkeypatch.setattr(doctor, "kernels_compiled", lambda: compiled)
    monkeypatch.setattr(doctor, "networks", lambda: iter(()))
    out = run("doctor")[1]
    assert ("compiles kernels, once: about" in out) is not compiled
    assert ("a minute of movie" in out) is compiled
