"""One list of event classes: everything that names, draws, scores or makes them reads it."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pytest
from pydantic import ValidationError

from perrin import events
from perrin.models.classifier import ClassifierModel
from perrin.report import style
from perrin.settings.simulation import CrowdSettings, MotionSettings, ThumbnailSettings
from perrin.simulate import motions
from perrin.tables import EVENTS


def test_the_networks_that_are_shipped_answer_in_the_order_of_the_registry() -> None:
    assert ClassifierModel.load("default").classes == events.CLASSES
    assert len(set(events.CLASSES)) == len(events.CLASSES)


def test_every_class_has_columns_a_color_of_its_own_and_a_meaning() -> None:
    names = {column.name for column in EVENTS}
    assert {f"score_{name}" for name in events.CLASSES} <= names
    assert {f"p_{name}" for name in events.CLASSES} <= names
    colors = [style.label_color(name) for name in events.CLASSES]
    assert len(set(colors)) == len(colors)
    assert len({events.meaning_of(name) for name in events.CLASSES}) == len(events.CLASSES)


def test_the_page_has_every_hue_for_light_and_dark() -> None:
    css = (files("perrin.report.page") / "web" / "page.css").read_text(encoding="utf-8")
    blocks = css.count("--blue: #")
    for hue in style.PALETTE:
        assert css.count(f"--{hue}: #") == blocks


def test_a_picture_saved_from_the_page_has_every_hue() -> None:
    chart = (files("perrin.report.page") / "web" / "chart.js").read_text(encoding="utf-8")
    for hue in style.PALETTE:
        assert chart.count(f'"--{hue}": "#') == 1


def test_a_class_to_come_finds_a_color() -> None:
    taken = {events.color_of(name) for name in events.LABELS}
    assert set(style.PALETTE) > taken


def test_labels_that_are_no_class_say_so() -> None:
    assert "fit_edge" in events.meaning_of("fit_edge")
    assert events.color_of("fit_edge") == "gray"


def test_molecules_do_what_the_registry_says_of_their_class() -> None:
    names = np.repeat(np.array(events.MOTIONS), 200)
    drawn = motions.draw_motions(names, settings=MotionSettings(), rng=np.random.default_rng(3))
    for one in events.EVENT_CLASSES:
        if one.alone:
            own = drawn[names == one.name]
            assert np.isfinite(own.speed_nm_per_ms).any() == one.moves
            assert own.unbinds.any() == one.leaves
    left = motions.leaving_after_motion(MotionSettings())
    again = motions.draw_motions(names, settings=left, rng=np.random.default_rng(3))
    assert again.unbinds[np.isin(names, events.LEAVERS)].all()
    finite = again.residence_time_frames[np.isfinite(again.residence_time_frames)]
    assert finite.max() <= motions.longest_frames(left)


def test_settings_refuse_what_is_no_class() -> None:
    with pytest.raises(ValidationError, match="'slider' is none of binder, unbinder"):
        ThumbnailSettings(classes={"slider": 1.0})
    with pytest.raises(ValidationError, match="'neighbors' is none of"):
        CrowdSettings(motions={"neighbors": 1.0})
