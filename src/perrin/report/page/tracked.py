"""What a page shows of a tracked movie: sentences, pictures, a table of the particles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perrin.report.page.encode import inlined, packed
from perrin.report.page.facts import sentence
from perrin.report.page.motion_methods import tracking_methods
from perrin.report.page.player import player

if TYPE_CHECKING:
    from perrin.report.page.folders import TrackFolder

_PICTURES = {
    "tracks": "Tracks over the mean background",
    "errors": "Standard errors of the positions against signal over noise",
    "links": "Steps from frame to frame, and how sure the links are",
    "msd": "Mean squared displacement, of single tracks and of all with its error",
    "drift": "Drift of the stage",
    "mass_and_diffusion": "Mass and diffusion coefficient of each track",
}
_PHOTOS = ("tracks",)  # over a picture: as pixels, not turned around in the dark
_WIDE = ("links", "mass_and_diffusion")  # of two panels
_WRONG = 0.01  # expected fraction of wrong links that is worth doubt
_SHORT = 20  # positions


def track_records(folders: list[TrackFolder]) -> list[dict[str, Any]]:
    """One record a folder."""
    return [_record(folder) for folder in folders]


def _record(folder: TrackFolder) -> dict[str, Any]:
    summary = folder.summary
    return {
        "name": summary["name"],
        "n": len(folder.particles),
        "columns": {
            str(name): packed(folder.particles[name].astype(float), "f8")
            for name in folder.particles.columns
        },
        "pictures": [
            {
                "name": name,
                "caption": _PICTURES[name],
                "source": inlined(content, kind),
                "photo": name in _PHOTOS,
                "wide": name in _WIDE,
            }
            for name in _PICTURES
            if (content := folder.pictures.get(f"{name}.{(kind := _kind(name))}")) is not None
        ],
        "player": player(folder),
        "story": tracking_story(folder),
        "methods": tracking_methods(folder),
        "settings": _flat(summary["settings"]),
    }


def _kind(name: str) -> str:
    return "png" if name in _PHOTOS else "svg"


def _flat(settings: dict[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in settings.items():
        found |= _flat(value, f"{name}.") if isinstance(value, dict) else {before + name: value}
    return found


def tracking_story(folder: TrackFolder) -> dict[str, Any]:
    """Headline and four lists of sentences."""
    summary = folder.summary
    kind, tracks = summary["settings"]["kind"], summary["tracks"]
    error = summary.get("median_localisation_se_nm")
    said = "" if error is None else f", localization error {error:.3g} nm (median)"
    following = "See what moves them: perrin diffusion takes this folder as it is"
    lists = {
        "measured": [_recorded(summary), f"the file was {summary['read_as']}"],
        "stands_out": _motion(folder),
        "distrust": [*_doubts(folder), *summary["notes"]],
        "next": [following if tracks else "Nothing was tracked: look at the movie first."],
    }
    return {
        "headline": f"{tracks} tracks of {kind}{said}",
        **{name: [sentence(text) for text in texts] for name, texts in lists.items()},
    }


def _recorded(summary: dict[str, Any]) -> str:
    recorded, positions = summary["recorded"], sum(summary["positions"].values())
    return (
        f"{recorded['frames']} frames of {recorded['frame_interval_s'] * 1e3:.4g} ms, pixels of "
        f"{recorded['pixel_nm']:.4g} nm: {positions} positions located, "
        f"{summary['tracked_positions']} of them in tracks"
    )


def _motion(folder: TrackFolder) -> list[str]:
    """How the particles move, in the median."""
    table = folder.particles
    if not len(table):
        return []
    moving = table[~table["immobile"].astype(bool)]
    found = [f"{len(table) - len(moving)} of {len(table)} tracks are immobile"]
    if len(moving):
        low, middle, high = moving["D_um2_per_s"].quantile([0.25, 0.5, 0.75])
        found.append(
            f"diffusion coefficient of those that move: {middle:.3g} µm²/s (median; quartiles "
            f"{low:.3g} and {high:.3g})"
        )
    changes = folder.summary["lineage"]
    if any(changes.values()):
        merged, split = (_counted(changes[kind], kind) for kind in ("merge", "split"))
        found.append(f"{merged} and {split} of tracks (lineage.csv)")
    return found


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")


def _doubts(folder: TrackFolder) -> list[str]:
    """What the numbers of the tracks warn of."""
    found, linking = [], folder.summary.get("linking")
    if linking is not None and linking["expected_wrong_fraction"] > _WRONG:
        found.append(
            f"about {linking['expected_wrong_fraction']:.1%} of the links are wrong: each makes a "
            "jump that no particle made"
        )
    table = folder.particles
    if len(table) and table["positions"].median() < _SHORT:
        found.append(
            f"half of the tracks have fewer than {table['positions'].median():.0f} positions: one "
            "track says little by itself"
        )
    return found
