"""The fitres tables of lab scripts: binding positive, floats of 16 bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perrin.io.tables import read_events

GRADIENT, OFFSET = 3.9e-5, 1e-4


def fitres(rows: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    mass = rng.uniform(60, 400, rows) * np.where(rng.random(rows) < 0.2, -1, 1)
    x_det, y_det = rng.integers(5, 145, rows), rng.integers(5, 33, rows)
    x_fit, y_fit = rng.normal(0, 0.5, (2, rows))
    wide = pd.DataFrame(
        {
            "contrasts": GRADIENT * mass + np.sign(mass) * OFFSET,
            "x_fit": x_fit,
            "y_fit": y_fit,
            "contrasts_se": rng.uniform(1.5e-4, 2e-4, rows),
            "r2_fit": rng.random(rows),
            "res_fit": rng.uniform(0.003, 0.005, rows),
            "x": x_det + x_fit,
            "y": y_det + y_fit,
            "masses_kDa": mass,
        }
    ).astype(np.float16)
    wide.insert(0, "frame", np.arange(rows) * 11 + 20)
    wide.insert(1, "y_det", y_det)
    wide.insert(2, "x_det", x_det)
    return wide


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_fitres_is_turned_to_landing_negative(suffix: str, tmp_path: Path) -> None:
    table = fitres()
    path = tmp_path / f"fitres.{suffix}"
    if suffix == "csv":
        table.to_csv(path, index=False)
    else:
        table.to_parquet(path)
    events = read_events(path)
    assert events.attrs["format"] == "fitres"
    assert events.attrs["landing_sign"] == "positive"
    assert (np.sign(events["contrast"]) == -np.sign(events["mass_kda"])).all()
    assert np.allclose(events["contrast"], -table["contrasts"].astype(float), rtol=1e-3)
    assert np.allclose(events["contrast_se"], table["contrasts_se"].astype(float), rtol=1e-3)
    assert all(events[name].dtype != np.float16 for name in events.columns)
    # the sum of pixel and offset, not the float16 `x`, which is good to 1/16 px only
    assert np.allclose(events["x_px"], table["x_det"] + table["x_fit"].astype(float), atol=2e-3)
    assert "res_fit" in events.columns
    assert "fit_residual" not in events.columns


def test_without_masses_the_format_decides_on_the_sign(tmp_path: Path) -> None:
    table = fitres().drop(columns="masses_kDa")
    table.to_parquet(tmp_path / "f.parquet")
    events = read_events(tmp_path / "f.parquet")
    assert (events["contrast"] < 0).mean() > 0.7
    assert events.attrs["landing_sign"] == "positive"


def test_without_fitted_offsets_x_and_y_are_taken(tmp_path: Path) -> None:
    table = fitres().drop(columns=["x_fit", "y_fit"])
    table.to_parquet(tmp_path / "f.parquet")
    events = read_events(tmp_path / "f.parquet")
    assert events["x_px"].tolist() == table["x"].astype(float).tolist()
