"""One list of kinds of motion: columns, prior, network, numbers and page read it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import perrin
from perrin.diffusion.motion_kinds import KINDS, MOTION_KINDS, NUMBERS, unit_of
from perrin.diffusion.tables import OF_KIND
from perrin.models.kinds import KindsModel
from perrin.simulate.walk_kinds import simulate_kind

SOURCE = Path(perrin.__file__).parent
DOCS = Path(__file__).parents[3] / "docs"


def test_the_network_that_is_shipped_answers_in_the_order_of_the_registry() -> None:
    card = KindsModel.load("kinds").bundle.card
    assert card.kinds == KINDS
    assert len(set(KINDS)) == len(KINDS)
    assert card.training["prior"] == {kind.name: kind.prior for kind in MOTION_KINDS}


def test_every_kind_has_its_columns_and_the_priors_sum_to_one() -> None:
    names = [column.name for column in OF_KIND]
    assert [f"p_{kind}" for kind in KINDS] == [name for name in names if name[2:] in KINDS]
    for number in NUMBERS:
        assert {number, f"{number}_low", f"{number}_high"} <= set(names)
    assert sum(kind.prior for kind in MOTION_KINDS) == pytest.approx(1)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_drawn(kind: str) -> None:
    walks = simulate_kind(
        kind, count=3, length=30, dims=2, exposure=0.0, rng=np.random.default_rng(1)
    )
    assert walks.positions.shape == (3, 30, 2)
    assert np.isfinite(walks.positions).all()


@pytest.mark.parametrize("kind", ["directed", "changing_diffusivity"])
def test_a_kind_is_named_where_it_is_drawn_and_measured_and_nowhere_else(kind: str) -> None:
    """What a new kind takes: these files, its row in the docs, and a network trained with it.

    A kind that tracks of the AnDi challenge's models are like is named there besides.
    """
    found = {
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        if f'"{kind}"' in path.read_text("utf-8")
    }
    assert found - {"diffusion/andi_outside.py"} == {
        "diffusion/motion_kinds.py",
        "diffusion/kind_numbers.py",
        "simulate/walk_kinds.py",
    }


@pytest.mark.skipif(not DOCS.is_dir(), reason="installed without docs")
def test_the_docs_have_a_row_for_each_kind_with_its_numbers() -> None:
    lines = (DOCS / "kinds.md").read_text("utf-8").splitlines()
    for kind in MOTION_KINDS:
        (row,) = [line for line in lines if line.startswith(f"| `{kind.name}` |")]
        assert all(f"`{number.name}`" in row for number in kind.numbers)


def test_units_are_powers_of_length_and_time() -> None:
    assert unit_of(2, -1, length="um", time="s") == "um^2 / s"
    assert unit_of(0, 1, length="um", time="s") == "s"
    assert unit_of(1, 0, length="px", time="frame") == "px"
    assert unit_of(0, -1, length="um", time="s") == "1 / s"
