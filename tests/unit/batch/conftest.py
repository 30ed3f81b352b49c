"""Plates of event tables as an instrument's program writes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

Plate = Callable[..., Path]
_HEADER = (
    "frame_indices,x_coords,y_coords,contrasts,masses_kDa,fit_errors,frame_signal_scores,"
    "neareast_neighbour_distances,selections"
)
MASSES = {"A": 66.0, "B": 150.0, "AB": 216.0}


def write_table(path: Path, counts: Mapping[str, int], rng: np.random.Generator) -> None:
    """An eventsFitted table with that many landings of each species."""
    masses = np.concatenate(
        [rng.normal(MASSES[name], 0.1 * MASSES[name], number) for name, number in counts.items()]
        or [np.zeros(0)]
    )
    lines = [
        f"{frame},10.0,12.0,{-4e-5 * mass:.7f},{mass:.4f},0.001,1,30.0,1"
        for frame, mass in enumerate(rng.permutation(masses))
    ]
    path.write_text("\n".join([_HEADER, *lines]) + "\n")


@pytest.fixture
def plate(tmp_path: Path) -> Plate:
    """Make tables and their sheet; one line of the sheet for each mapping of counts."""

    def make(*wells: Mapping[str, int], seed: int = 1, **columns: list[str]) -> Path:
        rng = np.random.default_rng(seed)
        names = [f"s{place // 2}_rep{place % 2 + 1}.csv" for place in range(len(wells))]
        for name, counts in zip(names, wells, strict=True):
            write_table(tmp_path / name, counts, rng)
        cells = zip(names, *columns.values(), strict=True)
        lines = [",".join(["file", *columns]), *(",".join(row) for row in cells)]
        sheet = tmp_path / "plate.csv"
        sheet.write_text("\n".join(lines) + "\n")
        return sheet

    return make
