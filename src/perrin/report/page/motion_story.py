"""Moving particles in plain sentences: what was measured, stands out, to doubt, to do next.

Rules as in `perrin.report.page.landing_doubts`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perrin.diffusion.agreement import has_exponents
from perrin.diffusion.by_kind import answered, w_may_be_anything, without_w
from perrin.diffusion.motion_kinds import MOTION_KINDS
from perrin.diffusion.summary import kinds_in_words
from perrin.report.page.motion_kinds import unit_in_words

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from perrin.report.page.folders import MotionFolder

    Rule = Callable[[MotionFolder], str | None]

_PARTS = {
    "fraction_fbm": "FBM",
    "fraction_ctrw": "CTRW",
    "fraction_brownian": "Brownian motion",
    "fraction_noise": "localization noise",
}
_NOISY = 0.25
_SHORT = 50
_FEW = 30
_WIDE = 0.5  # of the interval of w: from pure FBM to an even mixture
_OFTEN = 0.3  # fraction of trajectories
_GAUSSIAN = 3.3  # kurtosis of steps


def motion_story(folder: MotionFolder) -> dict[str, Any]:
    """Headline and four lists of sentences."""
    rules: dict[str, tuple[Rule, ...]] = {
        "measured": (_what, _predicted, _read_as),
        "stands_out": (_kinds, _fractions, _exponent, _spread, _states, _changing, _msd),
        "distrust": (
            _out_of_model,
            _outside,
            _refused,
            _noisy,
            _short,
            _uncertain,
            _disagreeing,
            _not_jumping,
            _few,
        ),
        "next": (_less_noise, _longer, _more, _scale),
    }
    story: dict[str, Any] = {
        name: [sentence for rule in group if (sentence := rule(folder)) is not None]
        for name, group in rules.items()
    }
    story["next"] = story["next"] or ["Nothing calls for a change."]
    return story | {"headline": _headline(folder)}


def _read_as(folder: MotionFolder) -> str | None:
    """What was understood of the file, and what was left out of it."""
    line = folder.summary.get("read_as")
    return f"The file was {line}." if line else None


def _median(table: pd.DataFrame, name: str) -> float:
    return float(table[name].median())


def _headline(folder: MotionFolder) -> str:
    table = folder.trajectories
    answer = kinds_in_words(table, changing=folder.summary["regimes"]["tracks_with_change"])
    if answer:
        return answer
    if not answered(table).any():
        return "No trajectory could be characterized"
    main = max(_PARTS, key=lambda name: _median(table, name))
    fraction = _median(table, main)
    lead = "Mostly" if fraction >= 0.5 else "Largest part"
    text = f"{lead} {_PARTS[main]}: {fraction:.0%} of the squared step"
    exponent = {"fraction_fbm": "alpha_fbm", "fraction_ctrw": "alpha_ctrw"}.get(main)
    if exponent is not None and table[exponent].notna().any():
        alpha = _median(table, exponent)
        kind = "subdiffusive" if alpha < 0.9 else "superdiffusive" if alpha > 1.1 else "near normal"
        text += f", exponent {alpha:.2f} ({kind})"
    return text + f"; w = {_median(table, 'w'):.2f}"


def _what(folder: MotionFolder) -> str:
    table, units = folder.trajectories, folder.summary["units"]
    every = folder.summary["scale"]["frame_interval"]
    time = f", one every {every:g} {units['time_unit']}" if units["time_unit"] != "frame" else ""
    return (
        f"{len(table)} trajectories of {table['positions'].median():.0f} positions (median){time}."
    )


def _predicted(folder: MotionFolder) -> str:
    predicted = int(answered(folder.trajectories).sum())
    return f"{predicted} were characterized by the network {folder.summary['model']!r}."


def _kinds(folder: MotionFolder) -> str | None:
    """Each kind that there is, what it does, and the medians of its numbers."""
    table, units = folder.trajectories, folder.summary["units"]
    kind = table["kind"].fillna("")
    said = []
    for one in MOTION_KINDS:
        own = table[kind == one.name]
        if not len(own):
            continue
        numbers = [
            f"{number.label} {_median(own, number.name):.3g} {unit_in_words(number, units)}"
            for number in one.numbers
            if own[number.name].notna().any()
        ]
        medians = f" (median {', '.join(numbers)})" if numbers else ""
        said.append(f"{len(own)} {one.adjective}: they {one.behavior}{medians}")
    unsure = int((kind == "undetermined").sum())
    if unsure:
        said.append(f"{unsure} undetermined: no kind has a probability above one half")
    return f"Kinds of motion: {'; '.join(said)}." if said else None


def _fractions(folder: MotionFolder) -> str | None:
    table = folder.trajectories
    if not answered(table).any():
        return None
    parts = [f"{name} {_median(table, column):.0%}" for column, name in _PARTS.items()]
    text = f"Median fractions of the squared step: {', '.join(parts)}."
    near = (table["alpha_fbm_low"] <= 1) & (table["alpha_fbm_high"] >= 1)
    if _median(table, "fraction_fbm") < 0.5 or near.mean() < 0.5:
        return text
    return f"{text} FBM with an exponent of 1, which that of most may be, is Brownian motion."


def _exponent(folder: MotionFolder) -> str | None:
    said = []
    for name, part in (("alpha_fbm", "FBM"), ("alpha_ctrw", "CTRW")):
        known = folder.trajectories[name].dropna()
        if len(known):
            low, middle, high = known.quantile([0.25, 0.5, 0.75])
            said.append(
                f"{middle:.2f} of {part} ({low:.2f} to {high:.2f}, {len(known)} trajectories)"
            )
    return f"Exponents, median and quartiles: {'; '.join(said)}." if said else None


def _spread(folder: MotionFolder) -> str | None:
    """Whether w differs between trajectories by more than it is uncertain in one."""
    table = folder.trajectories.dropna(subset=["w"])
    if len(table) < _FEW:
        return None
    low, high = table["w"].quantile([0.05, 0.95])
    wide = float((table["w_high"] - table["w_low"]).median())
    if high - low < 1.5 * wide:
        return None
    return (
        f"Trajectories differ: nine in ten have w from {low:.2f} to {high:.2f}, a single one is "
        f"known to {wide:.2f}."
    )


def _changing(folder: MotionFolder) -> str | None:
    """Trajectories that change between FBM-like and CTRW-like, and how long each lasts."""
    found, unit = folder.summary["regimes"], folder.summary["units"]["time_unit"]
    if not found["tracks"]:
        return None
    if not found["changes"]:
        return f"No change of regime in {found['tracks']} trajectories."
    lasts = [
        f"{name} {predicted['mean_residence_time']:.2g} {unit} (censored ends counted)"
        for label, name in (("fbm", "FBM-like"), ("ctrw", "CTRW-like"))
        if (predicted := found["residence_time"][label])["mean_residence_time"] is not None
    ]
    residence_time = f"; mean residence time: {', '.join(lasts)}" if lasts else ""
    return (
        f"{found['tracks_with_change']} of {found['tracks']} trajectories change between FBM-like "
        f"and CTRW-like, {found['changes']} times{residence_time}."
    )


def _states(folder: MotionFolder) -> str | None:
    """States of the sample, and how many changes of K and alpha there are."""
    found, units = folder.summary["segments"], folder.summary["units"]
    if found["number_of_states"] < 2 or not found["changes"]:
        return None
    length, time = units["length_unit"], units["time_unit"]
    length = "units" if length.startswith("unit") else length
    said = [
        "at rest"
        if not state["K"]
        else f"alpha {state['alpha']:.2f}, K {state['K']:.3g} {length}^2/{time}^alpha"
        for state in found["states"]
    ]
    each = "; ".join(
        f"{words} ({state['occupancy']:.0%} of the time)"
        for words, state in zip(said, found["states"], strict=True)
    )
    return (
        f"{found['number_of_states']} states of exponent and diffusion coefficient: {each}. "
        f"{found['tracks_with_change']} trajectories change between them, "
        f"{found['changes']} times."
    )


def _out_of_model(folder: MotionFolder) -> str | None:
    """More trajectories that no mixture explains than there would be by chance."""
    predicted = folder.summary["out_of_model"]
    if not predicted["checked"] or not predicted["fraction"] > 2 * predicted["expected_fraction"]:
        return None
    return (
        f"{predicted['fraction']:.0%} of the trajectories look like no mixture of FBM, CTRW and "
        f"noise ({predicted['expected_fraction']:.0%} would by chance): their numbers mean little."
    )


def _outside(folder: MotionFolder) -> str | None:
    """Trajectories whose kind has no w."""
    table = folder.trajectories
    without, anything = int(without_w(table).sum()), int(w_may_be_anything(table).sum())
    said = [f"w is not given for {without}"] if without else []
    said += [f"w may be anything from 0 to 1 for {anything}"] if anything else []
    if not said:
        return None
    return (
        f"Neither FBM nor CTRW: {', and '.join(said)} of {len(table)} trajectories. In their "
        "windows and regimes w means nothing."
    )


def _msd(folder: MotionFolder) -> str | None:
    alpha = folder.trajectories["tamsd_alpha"].dropna()
    return f"MSD alone: exponent {alpha.median():.2f} (median)." if len(alpha) else None


def _refused(folder: MotionFolder) -> str | None:
    missing = ~answered(folder.trajectories)
    if not missing.any():
        return None
    why = folder.trajectories.loc[missing, "reason"].value_counts().index[0]
    if missing.sum() == 1:
        return f"One trajectory tells nothing: {why}."
    return f"{int(missing.sum())} trajectories tell nothing; most often: {why}."


def _noisy(folder: MotionFolder) -> str | None:
    noise = _median(folder.trajectories, "fraction_noise")
    if not noise > _NOISY:
        return None
    return (
        f"Localization noise makes {noise:.0%} of the squared step; a CTRW with noise looks like a "
        "mixture."
    )


def _short(folder: MotionFolder) -> str | None:
    median = folder.trajectories["positions"].median()
    if not median < _SHORT:
        return None
    return f"Trajectories are short ({median:.0f} positions): exponents of single ones say little."


def _uncertain(folder: MotionFolder) -> str | None:
    wide = float((folder.trajectories["w_high"] - folder.trajectories["w_low"]).median())
    if not wide > _WIDE:
        return None
    return f"w of a single trajectory is known to {wide:.2f} only: read the ensemble."


def _disagreeing(folder: MotionFolder) -> str | None:
    """Exponents by the network and by the likelihood of pure FBM that exclude each other."""
    off = int(folder.trajectories["exponents_disagree"].sum())
    told = int(has_exponents(folder.trajectories).sum())
    if not off > _OFTEN * told:
        return None
    return (
        f"{off} of {told} trajectories have an exponent by pure FBM that disagrees with the "
        "network's beyond both errors: they are mixtures, or something the model does not hold."
    )


def _not_jumping(folder: MotionFolder) -> str | None:
    table = folder.trajectories
    if not (_median(table, "fraction_ctrw") > _NOISY and _median(table, "kurtosis") < _GAUSSIAN):
        return None
    return "Steps are Gaussian (kurtosis near 3) although a CTRW is found: doubt the CTRW."


def _few(folder: MotionFolder) -> str | None:
    count = len(folder.trajectories)
    return f"Only {count} trajectories: medians are uncertain." if count < _FEW else None


def _less_noise(folder: MotionFolder) -> str | None:
    if _noisy(folder) is None:
        return None
    return "Track fixed particles to know the localization error; more light or signal lowers it."


def _longer(folder: MotionFolder) -> str | None:
    if _short(folder) is None and _uncertain(folder) is None:
        return None
    return "Record longer trajectories: intervals shrink up to about 100 positions."


def _more(folder: MotionFolder) -> str | None:
    return None if _few(folder) is None else "Record more particles."


def _scale(folder: MotionFolder) -> str | None:
    if folder.summary["units"]["time_unit"] != "frame":
        return None
    return "Give --pixel-nm and --frame-interval-s: then D has a physical unit."
