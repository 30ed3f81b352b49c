"""Folders are what lies in them."""

from __future__ import annotations

import json
from pathlib import Path

from perrin.app.choices import Choices
from perrin.app.folders import folder_kind
from perrin.app.looking import look
from perrin.app.tasks import ANDI, ANDI2, DIFFUSION, EDIT_TRACKS, STACK
from perrin.app.workspace import Workspace

WALK = "particle,frame,x,y\n" + "".join(f"0,{k},{k % 7},{k % 5}\n" for k in range(40))


def test_results_of_a_movie_can_be_gone_on_with(tmp_path: Path) -> None:
    folder = tmp_path / "rods-results"
    folder.mkdir()
    (folder / "tracks.csv").write_text(WALK)
    assert folder_kind(folder) is None
    (folder / "summary.json").write_text(json.dumps({"inputs": [{"name": "rods.tif"}]}))
    seen = look(folder, Choices())
    assert (seen.kind, seen.tasks) == ("tracked", (DIFFUSION, ANDI, EDIT_TRACKS, STACK))
    assert dict(seen.facts)["movie"] == "rods.tif"
    assert set(seen.missing) == {"pixel_nm", "frame_interval_s"}
    assert Workspace(tmp_path).has("rods-results")
    assert Workspace(tmp_path).files() == []
    (folder / "trajectories.csv").touch()
    assert folder_kind(folder) is None


def test_a_folder_of_the_challenge_is_listed(tmp_path: Path) -> None:
    where = tmp_path / "public" / "data" / "track_2" / "exp_3"
    where.mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    (where / "trajs_fov_0.csv").touch()
    assert Workspace(tmp_path).files() == ["public"]
    seen = look(tmp_path / "public", Choices())
    assert (seen.kind, seen.tasks, seen.facts[0]) == ("challenge", (ANDI2,), ("experiments", "1"))


def test_a_batch_of_motion_and_a_broken_one_have_no_affinities(tmp_path: Path) -> None:
    (tmp_path / "sheet.csv").write_text("file,sample\na.csv,a\n")
    asked = {"sheet": "sheet.csv", "kind": "diffusion", "defaults": {}, "species": None}
    (tmp_path / "batch.json").write_text(json.dumps({"asked": asked}))
    seen = look(tmp_path, Choices())
    assert seen.kind is None
    assert "motion" in seen.description
    (tmp_path / "batch.json").write_text("{}")
    assert "not the folder of a batch" in look(tmp_path, Choices()).description
