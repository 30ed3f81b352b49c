"""Columns of the tables of moving particles: tracks in, trajectories and windows out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from perrin.diffusion.motion_kinds import MOTION_KINDS, NUMBERS
from perrin.errors import PerrinError
from perrin.tables import Column, columns

if TYPE_CHECKING:
    import pandas as pd


def estimates(given: Iterable[tuple[str, str, str]]) -> tuple[Column, ...]:
    """Columns of estimates (name, unit, meaning), each with the ends of its 90% interval."""
    ends = (("", ""), ("_low", ": 5% quantile"), ("_high", ": 95% quantile"))
    return tuple(
        Column(name + end, "float", unit, meaning + said)
        for name, unit, meaning in given
        for end, said in ends
    )


def _stretch(name: str) -> tuple[Column, ...]:
    """Columns of a part of a track that is called `name`: where it is."""
    return (
        PARTICLE,
        Column(name, "int", "", f"number of the {name} along it, from 0"),
        _FRAME_START,
        Column("frame_stop", "int", "frame", f"one after the last; two {name}s share a frame"),
    )


def _lasting(unsure: tuple[str, str] = ("", "")) -> tuple[Column, ...]:
    """Columns of the same part: when it is; `unsure`: how else than by a change it is cut off."""
    return (
        *estimates((("start", "frame", "the change at its start; NaN if none"),))[1:],
        Column("time_start", "float", "time", "of its first step, frame times frame interval"),
        Column("residence_time", "float", "time", "how long it lasts"),
        Column("left_censored", "bool", "", f"it began before the track{unsure[0]}"),
        Column("right_censored", "bool", "", f"it ends with the track{unsure[1]}"),
    )


PARTICLE = Column("particle", "int", "", "number of the track")
_FRAME_START = Column("frame_start", "int", "frame", "first frame with a position")
_POSITIONS = Column("positions", "int", "", "frames that have a position")
_SE = "its standard error"

TRACKS: tuple[Column, ...] = (
    PARTICLE,
    *columns("int", "frame", frame="frame of the position, from 0; gaps are missing rows"),
    *columns(
        "float",
        "px",
        x="horizontal position, in attrs['length_unit']",
        y="vertical position, absent in one dimension",
        z="depth, absent in one and two dimensions",
        x_se="standard error of x; this and all below where known",
        y_se="standard error of y",
    ),
    *columns(
        "float",
        "deg",
        angle_deg="of a rod from the x axis towards y, without jumps",
        angle_se_deg=_SE,
    ),
    *columns(
        "float",
        "1",
        contrast="at the center; negative where darker, and for molecules",
        contrast_se=_SE,
    ),
    *columns(
        "float", "kDa", mass_kda="calibrated mass of a molecule at this position", mass_se_kda=_SE
    ),
    *columns("bool", touching="whether another particle is so near that its image reaches in"),
    *columns("float", "1", link_confidence="that the step to the next frame is its own; or NaN"),
    *columns(
        "float",
        "px",
        drift_x="drift of the stage that was taken off x",
        drift_y="drift of the stage that was taken off y",
    ),
    *columns("float", "nm", pixel_nm="size of a pixel, the same in all rows"),
    *columns("float", "s", frame_interval_s="from frame to frame, the same in all rows"),
    *columns("float", "1", exposure="fraction of it with light, the same in all rows"),
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
    ("D", "length^2 / time^D_exponent", "FBM and Brownian part: MSD = 2 d D t^D_exponent"),
    ("jump_rate", "1 / frame", "fraction of the one-frame steps that hold a jump"),
)
ESTIMATES: tuple[str, ...] = tuple(name for name, _, _ in _ESTIMATES)

WINDOWS: tuple[Column, ...] = (
    PARTICLE,
    Column("frame_start", "int", "frame", "first frame"),
    Column("frame_stop", "int", "frame", "one after the last frame"),
    _POSITIONS,
    *estimates(_ESTIMATES),
    Column("jump_variance", "float", "length^2", "of one axis of a jump of the CTRW part"),
    Column("D_exponent", "float", "1", "that D is for: 1 where alpha_fbm may be 1, else alpha_fbm"),
    Column("reason", "text", "", "what has no estimate, and why"),
)
CLASSICAL: tuple[Column, ...] = (
    Column("tamsd_alpha", "float", "1", "exponent of the time-averaged MSD fit with offset"),
    Column("tamsd_D", "float", "length^2 / time^alpha", "its diffusion coefficient"),
    Column("tamsd_offset", "float", "length^2", "its offset: 2 d sigma^2 without blur"),
    *columns(
        "float",
        "1",
        vacf_1="autocorrelation of one-frame steps at one frame",
        kurtosis="of one-frame steps: 3 for a Gaussian",
        p_variation="ln of the 4-variation at 1 frame over that at 4 frames",
        fbm_alpha="exponent by maximum likelihood, FBM with noise",
        fbm_alpha_se="its standard error, by the curvature of the likelihood",
    ),
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
    *estimates((one.name, one.unit, one.meaning) for one in NUMBERS.values()),
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
    *estimates((("w_without_suspects", "1", "w with these steps taken out; else w"),)),
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
    PARTICLE,
    *columns("int", "frame", frame="at which the step begins", frame_next="at which it ends"),
    Column("step", "float", "px", "length, in the unit of the tracks"),
    Column("link_confidence", "float", "1", "that the step is the particle's own, by tracking"),
)

REGIMES: tuple[Column, ...] = (
    *_stretch("regime"),
    Column("label", "text", "", "fbm, ctrw, or undecided: none for sure, or both at once"),
    Column("confidence", "float", "1", "mean probability of the label; undecided: NaN"),
    *_lasting((", or before it was sure", ", or with certainty")),
    *WINDOWS[3:],
)
ALONG: tuple[str, ...] = ("w", "alpha_fbm", "alpha_ctrw")
"""Estimates that the time course carries: those of the regime that a frame belongs to."""
TIME_COURSE: tuple[Column, ...] = (
    PARTICLE,
    Column("frame", "int", "frame", "every frame from its first to its last"),
    Column("time", "float", "time", "frame times frame interval"),
    Column("seen", "bool", "", "whether the frame has a position"),
    Column("regime", "int", "", "number of the regime that the step to the next frame is in"),
    Column("label", "text", "", "of that regime"),
    Column("p_ctrw", "float", "1", "probability that this step follows the CTRW, not the FBM"),
    *estimates((("ctrw_near", "1", "fraction of CTRW among the steps up to 10 frames away"),)),
    Column("p_jump", "float", "1", "probability that this step holds a jump"),
    *estimates((name, "1", f"{name} of the regime") for name in ALONG),
)
TRANSITIONS: tuple[Column, ...] = (
    *columns("text", before="label of a regime", after="that of the next one of the same track"),
    Column("number", "int", "", "how often that was seen"),
    Column("time", "float", "time", "spent in the first by all tracks"),
    *estimates((("rate", "1 / time", "number over time, Poisson"),)),
)
SURVIVAL: tuple[Column, ...] = (
    Column("label", "text", "", "fbm or ctrw"),
    Column("time", "float", "time", "residence time"),
    *columns(
        "int",
        at_risk="regimes with a seen start that lasted at least so long",
        ended="of them, those that a change ended then",
        censored="of them, those lost from sight then",
    ),
    *estimates((("survival", "1", "fraction that lasts longer, Kaplan-Meier"),)),
)

_OF_SEGMENT: tuple[tuple[str, str, str], ...] = (
    ("K", "length^2 / time^alpha", "MSD of one axis 2 K t^alpha; 0 at rest; no CTRW has one"),
    ("alpha", "1", "exponent, FBM by maximum likelihood with known noise; none at rest"),
)
SEGMENTS: tuple[Column, ...] = (
    *_stretch("segment"),
    _POSITIONS,
    *_lasting(),
    Column("state", "int", "", "number of its state in the table of states; -1: none"),
    *estimates(_OF_SEGMENT),
    *(column for column in OF_KIND if column.name == "kind" or column.name.startswith("p_")),
    Column("reason", "text", "", "what is not given, and why"),
)
STATES: tuple[Column, ...] = (
    *columns(
        "int",
        state="number of the state, the fastest is 0, rest the last",
        segments="how many are in it",
        particles="how many are in it at some time",
    ),
    *estimates(
        (
            ("occupancy", "1", "fraction of the time that all particles spend in it"),
            ("K", "length^2 / time^alpha", "geometric mean over its segments by their steps"),
            ("alpha", "1", "mean over its segments by their steps"),
            ("mean_residence_time", "time", "in it, until it changes; NaN where no change is seen"),
        )
    ),
)
STATE_TRANSITIONS: tuple[Column, ...] = (
    *columns("int", before="number of a state", after="number of another one"),
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
