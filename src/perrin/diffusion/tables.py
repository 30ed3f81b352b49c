"""Columns of the tables of moving particles: tracks in, trajectories and windows out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from perrin.diffusion.motion_kinds import MOTION_KINDS, NUMBERS
from perrin.errors import PerrinError
from perrin.tables import Column

if TYPE_CHECKING:
    import pandas as pd


def _with_quantiles(estimates: Iterable[tuple[str, str, str]]) -> tuple[Column, ...]:
    """Columns of estimates (name, unit, meaning), each with the ends of its interval."""
    return tuple(
        Column(name + end, "float", unit, meaning + said)
        for name, unit, meaning in estimates
        for end, said in (("", ""), ("_low", ": 5% quantile"), ("_high", ": 95% quantile"))
    )


TRACKS: tuple[Column, ...] = (
    Column("particle", "int", "", "number of the track"),
    Column("frame", "int", "frame", "frame of the position, from 0; gaps are missing rows"),
    Column("x", "float", "px", "horizontal position, in attrs['length_unit']"),
    Column("y", "float", "px", "vertical position, absent in one dimension"),
    Column("z", "float", "px", "depth, absent in one and two dimensions"),
    Column("x_se", "float", "px", "standard error of x; this and all below where known"),
    Column("y_se", "float", "px", "standard error of y"),
    Column("angle_deg", "float", "deg", "of a rod from the x axis towards y, without jumps"),
    Column("angle_se_deg", "float", "deg", "its standard error"),
    Column("contrast", "float", "1", "at the center; negative where darker, and for molecules"),
    Column("contrast_se", "float", "1", "its standard error"),
    Column("mass_kda", "float", "kDa", "calibrated mass of a molecule at this position"),
    Column("mass_se_kda", "float", "kDa", "its standard error"),
    Column("touching", "bool", "", "whether another particle is so near that its image reaches in"),
    Column("link_confidence", "float", "1", "that the step to the next frame is its own; or NaN"),
    Column("drift_x", "float", "px", "drift of the stage that was taken off x"),
    Column("drift_y", "float", "px", "drift of the stage that was taken off y"),
    Column("pixel_nm", "float", "nm", "size of a pixel, the same in all rows"),
    Column("frame_interval_s", "float", "s", "from frame to frame, the same in all rows"),
    Column("exposure", "float", "1", "fraction of it with light, the same in all rows"),
)

_ESTIMATES: tuple[tuple[str, str, str], ...] = (
    ("fraction_fbm", "1", "fraction of the mean squared one-frame step that is FBM"),
    ("fraction_ctrw", "1", "the same, CTRW"),
    ("fraction_brownian", "1", "the same, Brownian (FBM with an exponent within .05 of 1)"),
    ("fraction_noise", "1", "the same, localization noise"),
    ("w", "1", "std(c) / (std(c) + std(f)) of the positions: superposition, 1 is pure CTRW"),
    ("alpha_fbm", "1", "exponent of the FBM or Brownian part"),
    ("alpha_ctrw", "1", "exponent of the CTRW part"),
    ("frames_ctrw", "1", "fraction of frames that follow a CTRW, if the track is interleaved"),
    ("D", "length^2 / time^alpha_fbm", "FBM and Brownian part: MSD = 2 d D t^alpha_fbm"),
    ("jump_rate", "1 / frame", "fraction of the one-frame steps that hold a jump"),
)
ESTIMATES: tuple[str, ...] = tuple(name for name, _, _ in _ESTIMATES)

WINDOWS: tuple[Column, ...] = (
    Column("particle", "int", "", "number of the track"),
    Column("frame_start", "int", "frame", "first frame"),
    Column("frame_stop", "int", "frame", "one after the last frame"),
    Column("positions", "int", "", "frames that have a position"),
    *_with_quantiles(_ESTIMATES),
    Column("jump_variance", "float", "length^2", "of one axis of a jump of the CTRW part"),
    Column("reason", "text", "", "what has no estimate, and why"),
)
CLASSICAL: tuple[Column, ...] = (
    Column("tamsd_alpha", "float", "1", "exponent of the time-averaged MSD fit with offset"),
    Column("tamsd_D", "float", "length^2 / time^alpha", "its diffusion coefficient"),
    Column("tamsd_offset", "float", "length^2", "its offset: 2 d sigma^2 without blur"),
    Column("vacf_1", "float", "1", "autocorrelation of one-frame steps at one frame"),
    Column("kurtosis", "float", "1", "of one-frame steps: 3 for a Gaussian"),
    Column("p_variation", "float", "1", "ln of the 4-variation at 1 frame over that at 4 frames"),
    Column("fbm_alpha", "float", "1", "exponent by maximum likelihood, FBM with noise"),
    Column("fbm_alpha_se", "float", "1", "its standard error, by the curvature of the likelihood"),
    Column("fbm_noise_sigma", "float", "length", "localization error by the same fit, or known"),
)
HANDED_OVER: tuple[Column, ...] = (
    Column("localisation_se", "float", "length", "error of one axis that the table of tracks has"),
    Column(
        "fraction_noise_known", "float", "1", "fraction of the squared step that it accounts for"
    ),
    Column("exposure", "float", "1", "fraction of the frame with light, if the table has it"),
)
FALSE_FLAGS = 0.05
"""Fraction of the tracks of the model that are flagged as out of it."""
CHECK: tuple[Column, ...] = (
    Column(
        "posterior_predictive_p",
        "float",
        "1",
        "fraction of tracks of the model that are more discrepant",
    ),
    Column("out_of_model", "bool", "", "whether that is below 5%: read the estimates with doubt"),
)
OF_KIND: tuple[Column, ...] = (
    Column("kind", "text", "", "most probable kind; undetermined: none above one half"),
    *(Column(f"p_{kind.name}", "float", "1", kind.meaning) for kind in MOTION_KINDS),
    Column("p_walls", "float", "1", "confined: probability of walls rather than a harmonic trap"),
    *_with_quantiles((one.name, one.unit, one.meaning) for one in NUMBERS.values()),
    Column("fraction_fast", "float", "1", "changing diffusivity: of the time in the faster state"),
)
AGREEMENT: tuple[Column, ...] = (
    Column(
        "exponents_disagree",
        "bool",
        "",
        "whether the 90% intervals of alpha_fbm and fbm_alpha have nothing in common",
    ),
)
SUSPECTS: tuple[Column, ...] = (
    Column("suspect_steps", "int", "", "links that are rather to another particle, by tracking"),
    *_with_quantiles((("w_without_suspects", "1", "w with these steps taken out; else w"),)),
    Column(
        "kind_without_suspects", "text", "", "most probable kind with them taken out; else kind"
    ),
)
TRAJECTORIES: tuple[Column, ...] = (
    *WINDOWS,
    *CLASSICAL,
    *HANDED_OVER,
    *CHECK,
    *OF_KIND,
    *AGREEMENT,
    *SUSPECTS,
)
SUSPECT_STEPS: tuple[Column, ...] = (
    Column("particle", "int", "", "number of the track"),
    Column("frame", "int", "frame", "of the position that the step begins at"),
    Column("frame_next", "int", "frame", "of the one that it ends at"),
    Column("step", "float", "px", "length, in the unit of the tracks"),
    Column("link_confidence", "float", "1", "that the step is the particle's own, by tracking"),
)

REGIMES: tuple[Column, ...] = (
    Column("particle", "int", "", "number of the track"),
    Column("regime", "int", "", "number of the regime along it, from 0"),
    Column("frame_start", "int", "frame", "first frame with a position"),
    Column("frame_stop", "int", "frame", "one after the last; two regimes share a frame"),
    Column("label", "text", "", "fbm, ctrw, or undecided: none for sure, or both at once"),
    Column("confidence", "float", "1", "mean probability of the label; undecided: NaN"),
    Column("start_low", "float", "frame", "the change at its start: 5% quantile; NaN if none"),
    Column("start_high", "float", "frame", "the same, 95% quantile"),
    Column("time_start", "float", "time", "of its first step, frame times frame interval"),
    Column("residence_time", "float", "time", "how long it lasts"),
    Column("left_censored", "bool", "", "it began before the track, or before it was sure"),
    Column("right_censored", "bool", "", "it ends with the track, or with certainty"),
    *(column for column in WINDOWS if column.name not in ("particle", "frame_start", "frame_stop")),
)
ALONG: tuple[str, ...] = ("w", "alpha_fbm", "alpha_ctrw")
"""Estimates that the time course carries: those of the regime that a frame belongs to."""
TIME_COURSE: tuple[Column, ...] = (
    Column("particle", "int", "", "number of the track"),
    Column("frame", "int", "frame", "every frame from its first to its last"),
    Column("time", "float", "time", "frame times frame interval"),
    Column("seen", "bool", "", "whether the frame has a position"),
    Column("regime", "int", "", "number of the regime that the step to the next frame is in"),
    Column("label", "text", "", "of that regime"),
    Column("p_ctrw", "float", "1", "probability that this step follows the CTRW, not the FBM"),
    Column("ctrw_near", "float", "1", "fraction of CTRW among the steps up to 10 frames away"),
    Column("ctrw_near_low", "float", "1", "the same: 5% quantile"),
    Column("ctrw_near_high", "float", "1", "the same: 95% quantile"),
    Column("p_jump", "float", "1", "probability that this step holds a jump"),
    *_with_quantiles((name, "1", f"{name} of the regime") for name in ALONG),
)
TRANSITIONS: tuple[Column, ...] = (
    Column("before", "text", "", "label of a regime"),
    Column("after", "text", "", "label of the next regime of the same track"),
    Column("number", "int", "", "how often that was seen"),
    Column("time", "float", "time", "spent in the first by all tracks"),
    Column("rate", "float", "1 / time", "number over time"),
    Column("rate_low", "float", "1 / time", "5% quantile, Poisson"),
    Column("rate_high", "float", "1 / time", "95% quantile, Poisson"),
)
SURVIVAL: tuple[Column, ...] = (
    Column("label", "text", "", "fbm or ctrw"),
    Column("time", "float", "time", "residence time"),
    Column("at_risk", "int", "", "regimes with a seen start that lasted at least so long"),
    Column("ended", "int", "", "of them, those that a change ended then"),
    Column("censored", "int", "", "of them, those lost from sight then"),
    Column("survival", "float", "1", "fraction that lasts longer, Kaplan-Meier"),
    Column("survival_low", "float", "1", "5% quantile"),
    Column("survival_high", "float", "1", "95% quantile"),
)

_OF_SEGMENT: tuple[tuple[str, str, str], ...] = (
    ("K", "length^2 / time^alpha", "MSD of one axis 2 K t^alpha; 0 at rest; no CTRW has one"),
    ("alpha", "1", "exponent, FBM by maximum likelihood with known noise; none at rest"),
)
SEGMENTS: tuple[Column, ...] = (
    Column("particle", "int", "", "number of the track"),
    Column("segment", "int", "", "number of the segment along it, from 0"),
    Column("frame_start", "int", "frame", "first frame with a position"),
    Column("frame_stop", "int", "frame", "one after the last; two segments share a frame"),
    Column("positions", "int", "", "frames that have a position"),
    Column(
        "start_low", "float", "frame", "the change at its start: 5% quantile; NaN for the first"
    ),
    Column("start_high", "float", "frame", "the same, 95% quantile"),
    Column("time_start", "float", "time", "of its first step, frame times frame interval"),
    Column("residence_time", "float", "time", "how long it lasts"),
    Column("left_censored", "bool", "", "it began before the track"),
    Column("right_censored", "bool", "", "it ends with the track"),
    Column("state", "int", "", "number of its state in the table of states; -1: none"),
    *_with_quantiles(_OF_SEGMENT),
    *(column for column in OF_KIND if column.name == "kind" or column.name.startswith("p_")),
    Column("reason", "text", "", "what is not given, and why"),
)
STATES: tuple[Column, ...] = (
    Column("state", "int", "", "number of the state, the fastest is 0, rest the last"),
    Column("segments", "int", "", "how many are in it"),
    Column("particles", "int", "", "how many are in it at some time"),
    *_with_quantiles(
        (
            ("occupancy", "1", "fraction of the time that all particles spend in it"),
            ("K", "length^2 / time^alpha", "geometric mean over its segments by their steps"),
            ("alpha", "1", "mean over its segments by their steps"),
            ("mean_residence_time", "time", "of a stay in it; NaN where no change is seen"),
        )
    ),
)
STATE_TRANSITIONS: tuple[Column, ...] = (
    Column("before", "int", "", "number of a state"),
    Column("after", "int", "", "number of another one"),
    Column("number", "float", "", "changes from one to the other that are expected in the tracks"),
    *(column for column in TRANSITIONS if column.name[:4] in ("time", "rate")),
)


def axes_of(tracks: pd.DataFrame) -> list[str]:
    """Return the coordinates that `tracks` has: x, then y, then z."""
    return [name for name in ("x", "y", "z") if name in tracks.columns]


def check_tracks(tracks: pd.DataFrame) -> pd.DataFrame:
    """Return `tracks` sorted by particle and frame.

    Raises `PerrinError` for a missing column, a NaN, a fractional or a duplicate frame.
    """
    missing = [name for name in ("particle", "frame", "x") if name not in tracks.columns]
    if missing:
        raise PerrinError(
            f"a table of tracks needs particle, frame and x (y, z); missing: {', '.join(missing)}. "
            "Rename the columns, or read the file with perrin.read_tracks."
        )
    columns = ["particle", "frame", *axes_of(tracks)]
    holes = tracks[columns].isna().any(axis=1)
    if holes.any():
        raise PerrinError(
            f"row {holes.idxmax()} of the tracks holds NaN ({int(holes.sum())} such rows); a frame "
            "without a position is a missing row: drop these rows."
        )
    for name in ("particle", "frame"):
        if tracks[name].dtype.kind not in "iu":
            raise PerrinError(
                f"column {name!r} holds {tracks[name].dtype}; {name}s are whole numbers. "
                "Divide times by the frame interval first."
            )
    repeated = tracks.duplicated(["particle", "frame"])
    if repeated.any():
        row = tracks.loc[repeated].iloc[0]
        raise PerrinError(
            f"particle {row['particle']} has frame {row['frame']} twice ({int(repeated.sum())} "
            "such rows); keep one position a frame."
        )
    attrs = tracks.attrs
    ordered = tracks.sort_values(["particle", "frame"], ignore_index=True)
    ordered.attrs = attrs
    return ordered
