"""The kinds of motion, each once: columns, numbers, sentences, prior and report read these.

A new kind is a row here, how it is drawn in `perrin.simulate.walk_kinds`, the measurement of its
numbers in `perrin.diffusion.kind_numbers` where it has some, its row in ``docs/kinds.md``, and a
network that is trained with it (``perrin train kinds``). It goes to the end: the outputs of a
network are in this order, and a trained network's card names its own.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class KindNumber:
    """A number of one kind of motion, given with the ends of its interval; empty for others."""

    name: str
    """Of its column."""
    meaning: str
    """Of its column."""
    label: str
    """In sentences: "median radius 3 um"."""
    length: int = 0
    time: int = 0
    """length, time: the powers of both that its unit has."""

    @property
    def unit(self) -> str:
        """The unit of its column: ``length^2 / time``."""
        return unit_of(self.length, self.time, length="length", time="time")


@dataclass(frozen=True)
class MotionKind:
    """One kind of motion."""

    name: str
    """In columns and tables."""
    meaning: str
    """What its probability is of, for the column."""
    adjective: str
    """In counts: "4 FBM, 2 of changing diffusivity"."""
    behavior: str
    """What such trajectories do, for the report: "they diffuse normally"."""
    prior: float
    """How common it is among the tracks that the network learns from."""
    gaussian: bool = False
    jumps: bool = False
    """gaussian, jumps: it has an FBM or Brownian part, a CTRW part; numbers of these are kept."""
    numbers: tuple[KindNumber, ...] = ()


MOTION_KINDS = (
    MotionKind(
        "immobile",
        "probability that it only jitters with the noise",
        "immobile",
        "jitter with the localization error only",
        prior=0.06,
    ),
    MotionKind(
        "confined",
        "the same: held by walls or a harmonic trap",
        "confined",
        "are held by walls or a trap",
        prior=0.17,
        numbers=(
            KindNumber(
                "confinement_radius",
                "confined: from the center to the walls, or in a harmonic trap the standard "
                "deviation of one axis (p_walls tells which)",
                "radius",
                length=1,
            ),
            KindNumber(
                "relaxation_time",
                "confined: in which a distance from the center falls to 1/e",
                "relaxation time",
                time=1,
            ),
        ),
    ),
    MotionKind(
        "brownian",
        "the same: Brownian, exponent within .05 of 1",
        "Brownian",
        "diffuse normally",
        prior=0.11,
        gaussian=True,
    ),
    MotionKind(
        "fbm",
        "the same: FBM",
        "FBM",
        "have steps that remember earlier ones",
        prior=0.14,
        gaussian=True,
    ),
    MotionKind(
        "ctrw",
        "the same: CTRW, waits with or without a heavy tail",
        "CTRW",
        "wait and jump",
        prior=0.10,
        jumps=True,
    ),
    MotionKind(
        "directed",
        "the same: a steady drift on top of diffusion",
        "directed",
        "drift steadily while they diffuse",
        prior=0.14,
        numbers=(KindNumber("speed", "directed: of the steady drift", "speed", length=1, time=-1),),
    ),
    MotionKind(
        "changing_diffusivity",
        "the same: two or more diffusivities, or more",
        "of changing diffusivity",
        "diffuse now faster, now slower",
        prior=0.15,
        numbers=(
            KindNumber(
                "D_slow",
                "changing diffusivity: of the slower of two states",
                "slower D",
                length=2,
                time=-1,
            ),
            KindNumber(
                "D_fast", "changing diffusivity: of the faster one", "faster D", length=2, time=-1
            ),
        ),
    ),
    MotionKind(
        "mixture",
        "the same: FBM and CTRW together, or in turn",
        "mixed of FBM and CTRW",
        "have an FBM and a CTRW part, together or in turn",
        prior=0.13,
        gaussian=True,
        jumps=True,
    ),
)
KINDS = tuple(kind.name for kind in MOTION_KINDS)
"""In the order of the columns p_immobile, p_confined, ... and of a network's outputs."""
NUMBERS = {number.name: number for kind in MOTION_KINDS for number in kind.numbers}
"""The numbers of all kinds, by their names."""
UNDETERMINED = "undetermined"
ADJECTIVES = {kind.name: kind.adjective for kind in MOTION_KINDS} | {
    UNDETERMINED: "undetermined",
    "": "too little to say",
}
"""Kinds in sentences."""


def unit_of(length_power: int, time_power: int, *, length: str, time: str) -> str:
    """Return a unit of powers of two others: ``length^2 / time``."""
    above = " ".join(filter(None, (_power(length, length_power), _power(time, time_power)))) or "1"
    below = " ".join(filter(None, (_power(length, -length_power), _power(time, -time_power))))
    return f"{above} / {below}" if below else above


def _power(unit: str, power: int) -> str:
    return "" if power <= 0 else unit if power == 1 else f"{unit}^{power}"
