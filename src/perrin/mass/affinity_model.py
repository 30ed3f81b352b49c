"""Reactions by name, and the concentrations at their equilibrium.

Every species s is made of components j (A, B, ...), composition n_sj. Mass action gives its
concentration from those of the free components,

    c_s = K_s prod_j a_j^n_sj,    sum_s n_sj c_s = T_j,

with K_s the product of 1/Kd of the reactions that make it. In u_j = log a_j the balances are the
gradient of the convex function sum_s c_s(u) - sum_j T_j u_j (Dirks, Bois, Schaeffer, Winfree and
Pierce, SIAM Review 49, 65, 2007, section 3), so Newton's method with step control always ends at
the one solution.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from perrin.errors import PerrinError
from perrin.types import BoolArray, FloatArray

COMPETITION = "A+B=AB,A+C=AC"
"""What ``competition`` stands for: B and C bind the same site of A."""
_NAME = re.compile(r"[A-Za-z]\w*")
_STEPS = 100
_CLOSE = 1e-11  # of the totals


@dataclass(frozen=True)
class Reaction:
    """Two species that make a third; `left` may name one twice."""

    left: tuple[str, str]
    product: str

    def __str__(self) -> str:
        return f"{self.left[0]}+{self.left[1]}={self.product}"


@dataclass(frozen=True)
class Model:
    """Reactions, the S species that they name, and the C components that these are made of.

    composition: (S, C) molecules of a component in a species; made_by: (S, R) how often each
    reaction has happened on the way to a species.
    """

    reactions: tuple[Reaction, ...]
    species: tuple[str, ...]
    components: tuple[str, ...]
    composition: FloatArray
    made_by: FloatArray

    def __str__(self) -> str:
        return ",".join(str(reaction) for reaction in self.reactions)

    def concentrations(self, log_kd: FloatArray, totals: FloatArray) -> FloatArray:
        """Concentrations (W, S) of the species in W wells, in the unit of `totals` and Kd.

        log_kd: (R,) natural logarithms; totals: (W, C) of the components, 0 allowed.
        """
        return equilibrium(-self.made_by @ log_kd, self.composition, totals)


def parse_model(text: str) -> Model:
    """Return the model of ``A+B=AB``, ``A+A=AA``, ``A+B=AB+AB=A2B2`` or ``competition``.

    In a chain the product of a reaction goes on: ``A+B=AB+AB=A2B2`` is A+B=AB, AB+AB=A2B2. Commas
    separate reactions. Raises `PerrinError` for anything else.
    """
    named = COMPETITION if text.strip().lower() == "competition" else text
    reactions = [step for part in named.split(",") for step in _chain(part, text)]
    made: dict[str, tuple[dict[str, int], list[int]]] = {}
    for number, reaction in enumerate(reactions):
        if reaction.product in made or reaction.product in reaction.left:
            raise PerrinError(f"--model {text!r} makes {reaction.product} twice, or from itself")
        for name in reaction.left:
            made.setdefault(name, ({name: 1}, [0] * len(reactions)))
        parts = [made[name] for name in reaction.left]
        whole: dict[str, int] = {}
        for composition, _ in parts:
            for component, count in composition.items():
                whole[component] = whole.get(component, 0) + count
        steps = [sum(counts) for counts in zip(*(steps for _, steps in parts), strict=True)]
        steps[number] += 1
        made[reaction.product] = (whole, steps)
    components = tuple(name for name, (composition, _) in made.items() if composition == {name: 1})
    return Model(
        reactions=tuple(reactions),
        species=tuple(made),
        components=components,
        composition=np.array([[c.get(j, 0) for j in components] for c, _ in made.values()], float),
        made_by=np.array([steps for _, steps in made.values()], float),
    )


def _chain(part: str, text: str) -> list[Reaction]:
    sides = [[name.strip() for name in side.split("+")] for side in part.split("=")]
    names = [name for side in sides for name in side]
    pairs = all(len(side) == 2 for side in sides[:-1])
    if len(sides) < 2 or not pairs or len(sides[-1]) != 1 or not all(map(_NAME.fullmatch, names)):
        raise PerrinError(
            f"--model {text!r} is no reaction that is known: give A+B=AB, A+A=AA, A+B=AB+AB=A2B2, "
            "competition, or reactions of two species with commas between them"
        )
    return [Reaction((left[0], left[1]), right[0]) for left, right in pairwise(sides)]


def equilibrium(log_k: FloatArray, composition: FloatArray, totals: FloatArray) -> FloatArray:
    """Concentrations (W, S) at equilibrium, by mass action.

    log_k: (S,) logarithm of each species' constant of formation, 0 for components; composition:
    (S, C); totals: (W, C), where 0 leaves out all that needs the component.
    """
    found = np.zeros((len(totals), len(log_k)))
    present = totals > 0
    for pattern in np.unique(present, axis=0):
        wells = (present == pattern).all(axis=1)
        able = (composition[:, ~pattern] == 0).all(axis=1)
        if pattern.any():
            found[np.ix_(wells, able)] = _solve(
                log_k[able], composition[np.ix_(able, pattern)], totals[np.ix_(wells, pattern)]
            )
    return found


def _solve(log_k: FloatArray, composition: FloatArray, totals: FloatArray) -> FloatArray:
    """Newton's method for wells whose components are all there; the same shapes."""
    parts = composition.sum(axis=1)
    # start below the solution: every species alone would not use up what is there
    room = np.log(totals[:, None, :] / (len(log_k) * np.maximum(composition, 1)))
    u = np.log(totals) - 1.0
    for s in np.flatnonzero(parts > 1):
        over = (
            log_k[s]
            + u @ composition[s]
            - np.where(composition[s] > 0, room[:, s], np.inf).min(axis=1)
        )
        u -= np.maximum(over, 0.0)[:, None] * (composition[s] > 0) / parts[s]
    goal = _objective(u, log_k, composition, totals)
    for _ in range(_STEPS):
        c = np.exp(log_k + u @ composition.T)
        gradient = c @ composition - totals
        if (np.abs(gradient) <= _CLOSE * totals).all():
            break
        hessian = np.einsum("ws,sj,sk->wjk", c, composition, composition)
        step = -np.linalg.solve(hessian, gradient[..., None])[..., 0]
        u, goal = _along(u, step, goal, log_k, composition, totals)
    return np.exp(log_k + u @ composition.T)


def _along(
    u: FloatArray,
    step: FloatArray,
    goal: FloatArray,
    log_k: FloatArray,
    composition: FloatArray,
    totals: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Go as far along a step as makes the convex function smaller, each well by itself."""
    size = np.minimum(1.0, 3.0 / np.maximum(np.abs(step).max(axis=1), 1e-300))
    open_: BoolArray = np.ones(len(u), bool)
    best, reached = u, goal
    for _ in range(40):
        tried = u + size[:, None] * step
        value = _objective(tried, log_k, composition, totals)
        better = open_ & (value <= goal + 1e-12 * np.abs(goal))
        best = np.where(better[:, None], tried, best)
        reached = np.where(better, value, reached)
        open_ &= ~better
        if not open_.any():
            break
        size = np.where(open_, size / 2, size)
    return best, reached


def _objective(
    u: FloatArray, log_k: FloatArray, composition: FloatArray, totals: FloatArray
) -> FloatArray:
    with np.errstate(over="ignore"):
        found: FloatArray = np.exp(log_k + u @ composition.T).sum(axis=1) - (totals * u).sum(axis=1)
    return found


def observed(model: Model, windows: Sequence[Sequence[str]]) -> FloatArray:
    """Which species (S,) are counted in which window (O,): (O, S) of 0 and 1.

    Raises `PerrinError` for a name that the model does not have.
    """
    seen = np.zeros((len(windows), len(model.species)))
    for row, members in enumerate(windows):
        for name in members:
            if name not in model.species:
                raise PerrinError(
                    f"the model {model} has no species {name!r}, but {', '.join(model.species)}"
                )
            seen[row, model.species.index(name)] = 1
    return seen
