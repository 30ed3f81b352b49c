"""Pages without a browser: what may go in, what stands in them, how large they are."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perrin.errors import PerrinError
from perrin.io.manifest import changed, read_manifest
from perrin.mass import spectrum as of_values
from perrin.pipeline import LandingsResult, fit_spectrum
from perrin.report.page import render_report, write_report
from perrin.results import write_results
from perrin.settings.spectrum import SpectrumSettings

SETTINGS = SpectrumSettings(resamples=0)
MEGABYTE = 1 << 20


def table(count: int, *, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    masses = rng.normal(np.where(rng.random(count) < 0.3, 132, 66), 7)
    events = pd.DataFrame({"measurement": "made", "event": np.arange(count)})
    return events.assign(contrast=-4e-5 * masses, mass_kda=masses)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out") / "results"
    return write_results(folder, fit_spectrum(table(400), spectrum_settings=SETTINGS, resamples=0))


def test_made_again_it_is_the_same(results: Path, tmp_path: Path) -> None:
    before = (results / "report.html").read_text(encoding="utf-8")
    again = write_report([results], tmp_path / "again.html")
    assert again.read_text(encoding="utf-8") == before


def test_it_loads_nothing(results: Path) -> None:
    page = (results / "report.html").read_text(encoding="utf-8")
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    for way in ('<link rel="stylesheet', "src=", "@import", "fetch(", "XMLHttpRequest"):
        assert way not in page.replace("picture.src = `data:", "")


def test_scores_without_a_summary_of_them_find_their_threshold(tmp_path: Path) -> None:
    events = table(600)
    rng = np.random.default_rng(1)
    events["score_binder"] = rng.random(600).round(2)
    events["label"] = "binder"
    events["retained"] = events["score_binder"] >= 0.4
    assert threshold_of(events, tmp_path / "out") == 0.4
    events.loc[0, "retained"] = not events.loc[0, "retained"]  # by hand: no threshold did that
    assert threshold_of(events, tmp_path / "by hand") is None


def threshold_of(events: pd.DataFrame, folder: Path) -> float | None:
    """The threshold that the page of these events says they were filtered with."""
    write_results(folder, fit_spectrum(events, spectrum_settings=SETTINGS, resamples=0))
    page = (folder / "report.html").read_text(encoding="utf-8")
    data = json.loads(page.split('id="data">')[1].split("</script>")[0])
    found: float | None = data["measurements"][0]["threshold"]
    return found


def test_thirty_thousand_scored_events_stay_below_eight_megabytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perrin.report.page.fits.MOST_FITTED", 200)
    count = 30_000
    rng = np.random.default_rng(2)
    events = table(count).assign(
        time_s=rng.random(count),
        x_px=rng.random(count),
        y_px=rng.random(count),
        mass_se_kda=rng.random(count),
        fit_residual=rng.random(count),
        label="binder",
    )
    for kind in ("binder", "unbinder", "neighbors", "roller", "wobbler", "buffer"):
        events[f"score_{kind}"], events[f"p_{kind}"] = rng.random(count), rng.random(count)
    events["retained"] = events["score_binder"] >= 0.9
    kept = events["mass_kda"][events["retained"]]
    measured = LandingsResult(
        name="made",
        events=events,
        spectrum=of_values.fit_spectrum(kept[:500], settings=SETTINGS),
        spectrum_settings=SETTINGS,
        calibration=None,
        notes=(),
        recorded={},
    )
    folder = write_results(tmp_path / "out", [measured])
    # the thumbnails of a movie add at most 8 a class of 8 classes, 15 kB each: 1 MB
    size = (folder / "report.html").stat().st_size
    assert size < 7 * MEGABYTE


def test_what_does_not_go_together_is_refused(results: Path, tmp_path: Path) -> None:
    bare = table(100).drop(columns="mass_kda")
    other = write_results(
        tmp_path / "c", fit_spectrum(bare, spectrum_settings=SETTINGS, resamples=0)
    )
    with pytest.raises(PerrinError, match="kDa and results in contrast"):
        render_report([results, other])
    with pytest.raises(PerrinError, match="not a results folder"):
        render_report([tmp_path])
    with pytest.raises(PerrinError, match="no results given"):
        render_report([])
    cut = Path(shutil.copytree(results, tmp_path / "cut"))
    (cut / "manifest.json").unlink()
    summary = json.loads((cut / "summary.json").read_text())
    summary["measurements"][0]["events"] += 1
    (cut / "summary.json").write_text(json.dumps(summary))
    with pytest.raises(PerrinError, match="do not belong together"):
        render_report([cut])
    (cut / "summary.json").write_text('{"trajectories": 3}')
    (cut / "tracks.csv").write_text("particle,frame,x\n")
    for name in ("trajectories", "windows", "regimes", "time_course"):
        (cut / f"{name}.csv").write_text("particle\n")
    with pytest.raises(PerrinError, match="do not go into one report"):
        render_report([results, cut])


def test_written_into_its_folder_the_folder_can_still_be_replaced(
    results: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(results, folder)
    page = folder / "report.html"
    with (folder / "events.csv").open("a") as file:
        file.write("edited")
    before = read_manifest(folder)
    assert before is not None
    page.write_text("an older page")
    write_report([results], page, overwrite=True)
    after = read_manifest(folder)
    assert after is not None
    assert list(after) == list(before)
    assert changed(folder, after) == ["events.csv"]  # what something else changed stays known


@pytest.mark.parametrize("lost", ["recorded", "spectrum_settings"])
def test_results_of_another_version_are_named(results: Path, tmp_path: Path, lost: str) -> None:
    earlier = Path(shutil.copytree(results, tmp_path / "earlier"))
    (earlier / "manifest.json").unlink()
    summary = json.loads((earlier / "summary.json").read_text())
    measured = summary["measurements"][0]
    if lost == "recorded":
        del measured["recorded"]
    else:
        measured["spectrum_settings"]["renamed_since"] = 1
    (earlier / "summary.json").write_text(json.dumps(summary))
    with pytest.raises(PerrinError, match=r"earlier: another version of perrin wrote .* again"):
        render_report([earlier])
