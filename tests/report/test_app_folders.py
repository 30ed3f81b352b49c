"""The app goes on with folders: tracks of a movie, titrations, tracks of a challenge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import perrin
from perrin.batch import run_batch
from perrin.mass.affinity_model import parse_model
from perrin.settings.motion import MotionMovie
from perrin.simulate.moving import write_motion

pytest.importorskip("nicegui", reason="app: pip install 'perrin[app]'")


def choose(page: Any, name: str, words: str) -> None:
    page.click(f"[data-name='{name}']")
    page.click(f".q-item:has-text('{words}')")


def analyze(page: Any, made: str) -> None:
    page.click("button:has-text('Analyze')")
    page.wait_for_selector(f"[role=status]:has-text('--out={made}')")


def test_tracks_of_a_movie_are_gone_on_with(own: Any) -> None:
    rods = MotionMovie.of("rods").model_copy(
        update={"count": 3, "frames": 40, "height_px": 192, "width_px": 192}
    )
    write_motion(rods, seed=1, out=own.folder / "rods.tif")
    with perrin.open_movie(own.folder / "rods.tif", contents="moving") as movie:
        found = perrin.track(movie, "rods")
    perrin.write_results(own.folder / "rods-results", found, inputs=[own.folder / "rods.tif"])
    kept = int(found.tracks["particle"].iloc[0])
    own.page.reload()
    own.page.click("button:has-text('Go on with the tracks')")
    own.page.wait_for_selector("text=movie rods.tif")
    choose(own.page, "task", "The frames of one track")
    own.page.click("button:has-text('Analyze')")
    own.page.wait_for_selector("text=Still missing: Movie that was tracked, Number of the track")
    choose(own.page, "movie", "rods.tif")
    own.page.fill("[aria-label='Number of the track']", str(kept))
    own.page.wait_for_selector("text=The file does not say", state="hidden")
    analyze(own.page, "rods-particle.tif")
    assert (own.folder / "rods-particle.csv").is_file()
    edited = found.tracks.loc[found.tracks["particle"] == kept]
    edited.to_csv(own.folder / "edited.csv", index=False)
    choose(own.page, "task", "Tracks that were edited by hand")
    choose(own.page, "edited", "edited.csv")
    own.page.wait_for_selector("text=The file does not say", state="hidden")
    analyze(own.page, "rods-edited")
    again = perrin.read_results(own.folder / "rods-edited")
    assert isinstance(again, perrin.TrackingResult)
    assert len(again.tracks) == len(edited)


def test_a_titration_becomes_constants(own: Any) -> None:
    plate(own.folder)
    run_batch(own.folder / "plate.csv", own.folder / "plate-results", species=SPECIES, resamples=0)
    own.page.reload()
    own.page.click("button:has-text('Affinities')")
    own.page.click("button:has-text('Analyze')")
    own.page.wait_for_selector("text=Still missing: Reaction")
    own.page.fill("[aria-label^='Reaction']", "A+B=AB")
    own.page.wait_for_selector("text=The file does not say", state="hidden")
    analyze(own.page, "plate-affinity")
    assert "A+B=AB: Kd = 1" in own.page.inner_text("[role=status]")
    own.page.wait_for_selector("img.picture")
    assert own.page.evaluate("document.querySelector('img.picture').naturalWidth") > 100


def test_tracks_of_a_challenge_become_a_submission(own: Any) -> None:
    where = own.folder / "challenge" / "track_2" / "exp_0"
    where.mkdir(parents=True)
    walks = np.random.default_rng(3).normal(0, 1, (4, 60, 2)).cumsum(axis=1)
    index, frame = np.indices((4, 60))
    table = {"traj_idx": index, "frame": frame, "x": walks[..., 0], "y": walks[..., 1]}
    pd.DataFrame({name: column.ravel() for name, column in table.items()}).to_csv(
        where / "trajs_fov_0.csv", index=False
    )
    own.page.reload()
    own.page.click(".file:has-text('challenge')")
    own.page.wait_for_selector("text=tracks of the second AnDi challenge")
    analyze(own.page, "challenge-submission")
    assert list((own.folder / "challenge-submission").rglob("*.txt"))


SPECIES = "A:66,B:150,AB:216"
MASSES = (66.0, 150.0, 216.0)


def plate(folder: Path) -> None:
    """Six wells of A+B=AB with a Kd of 12 nM and 10 nM of A, as tables, and their sheet."""
    concentrations = np.array([1.0, 3.0, 8.0, 15.0, 30.0, 60.0])
    totals = np.stack([np.full(6, 10.0), concentrations], axis=1)
    found = parse_model("A+B=AB").concentrations(np.log([12.0]), totals)
    rng, lines = np.random.default_rng(1), ["file,sample,A_nM,B_nM"]
    for number, (well, b) in enumerate(zip(found, concentrations, strict=True)):
        counts = np.rint(1200 * well / well.sum()).astype(int)
        masses = np.concatenate(
            [
                rng.normal(mass, 0.1 * mass, count)
                for mass, count in zip(MASSES, counts, strict=True)
            ]
        )
        pd.DataFrame({"contrast": -4e-5 * masses, "mass_kda": masses}).to_csv(
            folder / f"well{number}.csv", index=False
        )
        lines.append(f"well{number}.csv,s{number},10,{b:g}")
    (folder / "plate.csv").write_text("\n".join(lines) + "\n")
