"""What benchmarks/RESULTS.md says of networks is said of the ones that are shipped."""

from __future__ import annotations

import json
import re
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from perrin.models.bundle import WEIGHTS, list_bundles, load_bundle

RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "RESULTS.md"
SCRIPTS = sorted(path for path in RESULTS.parent.glob("*.py") if not path.stem.endswith("_side"))
"""All but those that run in environments of their own, without perrin."""
PAGES = sorted((RESULTS.parents[1] / "docs").glob("*.md"))
NETWORK = re.compile(r"([\w-]+) ([0-9a-f]{12})( \(no longer shipped\))?[,.]")
MEASURED = (
    "all_landings",
    "andi",
    "calibration",
    "experiments",
    "kinds",
    "mixture",
    "mixture_bound",
    "real_motion",
    "regimes",
    "tracking",
)


def sections() -> dict[str, str]:
    parts = re.split(r"<!-- (\w+) -->\n", RESULTS.read_text(encoding="utf-8"))
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("name", MEASURED)
def test_a_section_names_the_networks_that_it_measured(name: str) -> None:
    """A hash that is not the shipped one is marked; a new network makes its sections old."""
    line = re.search(r"^Networks: .*$", sections()[name], re.MULTILINE)
    assert line is not None
    found = NETWORK.findall(line[0])
    assert found
    for network, sha256, marked in found:
        assert network in list_bundles()
        card = json.loads((WEIGHTS / network / "card.json").read_text(encoding="utf-8"))
        assert (card["sha256"][:12] == sha256) != bool(marked), (network, sha256)


def test_the_papers_network_is_beside_the_benchmarks_and_not_shipped() -> None:
    folder = RESULTS.parent / "networks" / "classifier-paper"
    assert load_bundle(folder).card.name == "classifier-paper"  # its test vector holds
    assert folder.name not in list_bundles()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_pages_include_what_was_measured_and_copy_none_of_it(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r'start-after: "<!-- (\w+) -->"', text))
    assert named <= sections().keys()
    rows = {row for part in sections().values() for row in part.splitlines() if row[:1] == "|"}
    measured = {row for row in rows if re.search(r"\d", row)}
    assert measured.isdisjoint(text.splitlines())


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_script_finds_what_it_imports_and_says_what_it_measures(
    script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What its functions call is compared with the package by mypy, which reads this folder."""
    spec = spec_from_file_location(f"benchmark_{script.stem}", script)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, module.__name__, module)  # dataclasses look for it there
    spec.loader.exec_module(module)
    assert module.__doc__
    if not script.stem.startswith("_"):
        assert callable(module.main)
