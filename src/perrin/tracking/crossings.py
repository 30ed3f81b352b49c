"""Particles that lie across each other, fitted from what they were just before and after.

Where two overlap for many frames, no single frame says how many there are and how they lie. Their
tracks do: each particle that is missed beside another is put where it was last, with the direction
it had and the size and contrast of its track, and all of the group are fitted together. What is
found is kept if it explains the image better, by more than particles cost, and if each has moved
and turned by no more than it does. It is the start for the next frame. The movie is gone through
forwards, then backwards. What cannot be told apart stays as it was located.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from perrin.tracking.appearance import Appearance, free_of
from perrin.tracking.arrangements import are_distinct, others_of, widened
from perrin.tracking.crossing_table import LOOKS, Found, Table, fitted, is_single
from perrin.tracking.extent import extents, windows
from perrin.tracking.find import noise_of
from perrin.tracking.found import EDGE, MERGED, TOUCHING, LocalizationResult
from perrin.tracking.groups import Groups, box_of, fit_groups
from perrin.tracking.likeness import marks_of, measure_likeness
from perrin.tracking.link import link_frames, measure_steps
from perrin.tracking.pairs import inside, pairs_within, touching
from perrin.tracking.shape import ANGLE, A, X, Y
from perrin.types import BoolArray, Float32Array, FloatArray, IntArray

MOST_FRAMES = 15
"""A particle that was not found for longer is not looked for."""
_MOST = 6  # particles of one group
_COSTS = 40.0  # twice the log-likelihood that one more particle must explain: 5 ln(pixels)
_BETTER = 10.0  # the same, for another arrangement of as many
_CONTRAST = (0.6, 1.6)  # of that of its track
_STEPS = 5.0  # standard deviations that a particle may move or turn
_FREE_PX, _FREE_RAD = 1.0, 0.2  # besides: two that overlap are known badly
_UNLIKELY = 16.0  # twice the log-likelihood: an arrangement that is 3,000 times less likely
_STRONG = 1.35  # times the contrast of its track: two that are seen as one
_EXPLAINED_SDS = 3.0  # of what noise leaves
_ERROR = 0.5  # of the radius: what is known worse is not told apart

FramesOf = Callable[[int], Float32Array]
"""Frame by number to its contrast (1, Y, X), background removed."""


@dataclass(frozen=True)
class _State:
    """A particle where it was last, in the direction of time that is gone in."""

    one: Found
    frame: int


class _Motion(NamedTuple):
    """Usual step of one axis and usual turn from frame to frame; turn_rad: inf for spheres."""

    step_px: float
    turn_rad: float

    def allows(self, old: _State, new: FloatArray, frame: int) -> bool:
        """Whether a particle goes on from `old` to `new` (8,) at a frame."""
        times = _STEPS * np.sqrt(abs(frame - old.frame))
        before = old.one.values
        far = np.hypot(new[X] - before[X], new[Y] - before[Y])
        turned = abs((new[ANGLE] - before[ANGLE] + np.pi / 2) % np.pi - np.pi / 2)
        near = far <= times * self.step_px + _FREE_PX
        return bool(near and turned <= times * self.turn_rad + _FREE_RAD)


@dataclass(frozen=True)
class _Fit:
    """Particles as they were fitted together.

    score: twice the negative log-likelihood, and what particles cost. possible: whether they go
    on from what they were; explained: whether they leave no more than noise.
    """

    particles: list[Found]
    score: float
    possible: bool
    explained: bool


def _surest(fits: list[_Fit]) -> list[Found]:
    """Return the best of several fits of the same particles, errors widened by the others.

    One that is as likely by a factor e^(-D / 2) is the true one with the probability p =
    1 / (1 + e^(D / 2)); it adds p times the squared distance to the variance.
    """
    possible = sorted((fit for fit in fits if fit.possible), key=lambda fit: fit.score)
    particles = possible[0].particles
    for fit in possible[1:]:
        less = fit.score - possible[0].score
        if less < _UNLIKELY and are_distinct(particles, fit.particles):
            part = 1 / (1 + np.exp(less / 2))
            particles = widened(particles, fit.particles, float(part))
    return particles


def through_crossings(
    located: LocalizationResult, frames_of: FramesOf, *, field: tuple[int, int], seen: Appearance
) -> LocalizationResult:
    """Return what was located in a field (Y, X), with particles that lie across others told apart.

    Nothing changes where no particles touch, and of spheres of one size.
    """
    told = seen.kind == "rods" or seen.varied  # equal spheres keep nothing that tells them apart
    if not told or not np.isin(located.label, (TOUCHING, MERGED)).any():
        return located
    number, motion = _tracks(located, field)
    table = Table.of(located, number, seen)
    for backwards in (False, True):
        _Pass(table, motion, frames_of, field, seen).run(backwards=backwards)
    return table.located(located, seen)


def _tracks(located: LocalizationResult, field: tuple[int, int]) -> tuple[IntArray, _Motion]:
    """Return tracks (N,) as one frame after the other links them, and how particles move."""
    rows = np.flatnonzero(located.label != EDGE)
    frame, x, y = located.frame[rows], located.x[rows], located.y[rows]
    steps = measure_steps(frame, x, y, area_px=float(field[0] * field[1]))
    linked = link_frames(frame, x, y, search_px=steps.bulk_px)
    single = located.label[rows] != MERGED
    marks = marks_of(located.contrast[rows], located.angle[rows], None, known=single)
    alike = measure_likeness(frame, linked, marks, step_px=steps.step_px)
    turn = np.inf
    if alike is not None and np.isfinite(alike.marks.periods[0]):
        linked = link_frames(frame, x, y, search_px=steps.bulk_px, looks=alike)
        turn = float(np.sqrt(alike.same[0]))
    number = np.full(len(located), -1, np.int64)
    number[rows] = linked
    return number, _Motion(steps.step_px, turn)


class _Pass:
    """One way through the movie: what was located is changed in the table."""

    def __init__(
        self,
        table: Table,
        motion: _Motion,
        frames_of: FramesOf,
        field: tuple[int, int],
        seen: Appearance,
    ) -> None:
        self.table, self.motion, self.frames_of = table, motion, frames_of
        self.field, self.seen = field, seen
        assert seen.shape is not None  # noqa: S101 - gold
        self.shape = seen.shape
        self.states: dict[int, _State] = {}

    def run(self, *, backwards: bool) -> None:
        """Go through all frames."""
        first, last = min(self.table.at), max(self.table.at)
        for frame in range(last, first - 1, -1) if backwards else range(first, last + 1):
            self._look_at(frame)
            self._remember(frame)

    def _remember(self, frame: int) -> None:
        """Remember where particles are, forget those that have been away for too long."""
        self._follow(frame)
        for one in self.table.at.get(frame, []):
            if is_single(one) and one.number in self.table.looks:
                values = one.values.copy()
                values[LOOKS] = self.table.looks[one.number]
                self.states[one.number] = _State(replace(one, row=-1, values=values), frame)
        gone = [n for n, state in self.states.items() if abs(frame - state.frame) > MOST_FRAMES]
        for number in gone:
            del self.states[number]

    def _follow(self, frame: int) -> None:
        """Forget a particle that is missed where a track begins as which it may go on."""
        here = self.table.at.get(frame, [])
        known = {one.number for one in here}
        for one in here:
            if one.number not in self.table.looks or one.number in self.states:
                continue
            far = {
                number: np.hypot(*(state.one.values[[X, Y]] - one.values[[X, Y]]))
                for number, state in self.states.items()
                if number not in known and self.motion.allows(state, one.values, frame)
            }
            if far:
                del self.states[min(far, key=lambda number: far[number])]

    def _look_at(self, frame: int) -> None:
        """Fit the groups of one frame that may hold more, or lie otherwise, than was located."""
        here = self.table.at.get(frame, [])
        known = {one.number for one in here if is_single(one)}
        missed = [state.one for number, state in self.states.items() if number not in known]
        if not here or not (missed or any(one.label for one in here)):
            return
        pictures: Float32Array | None = None
        for group, lost in self._groups(here, missed, frame):
            if pictures is None:
                pictures = self.frames_of(frame)
                noise = float(noise_of(pictures)[0]) ** 2 * self._alike()
            self._settle(pictures, group, lost, frame, noise)

    def _groups(
        self, here: list[Found], missed: list[Found], frame: int
    ) -> Iterator[tuple[list[Found], list[Found]]]:
        """Yield particles that touch, and those that are missed among them."""
        from scipy.sparse import coo_matrix
        from scipy.sparse.csgraph import connected_components

        every = here + missed
        values = np.array([one.values for one in every])
        away = [abs(frame - self.states[one.number].frame) for one in missed]
        late = np.array([0] * len(here) + away)
        moved = 2 * self.motion.step_px * np.sqrt(late)
        reach = 2 * float(extents(values).max() + moved.max()) + 2
        at = np.zeros(len(every), np.int64)
        near = pairs_within(at, values[:, X], values[:, Y], within=reach)
        margin = 2 * self.shape.radius + 1 + moved[near].max(axis=1)
        near = near[touching(values, near, margin) & (near < len(here)).any(axis=1)]
        edges = coo_matrix((np.ones(len(near)), tuple(near.T)), shape=(len(every),) * 2)
        labels = connected_components(edges, directed=False)[1]
        for g in np.flatnonzero(np.bincount(labels) > 1):
            members = np.flatnonzero(labels == g).tolist()
            if len(members) <= _MOST:
                group = [here[k] for k in members if k < len(here)]
                yield group, [every[k] for k in members if k >= len(here)]

    def _at_last(self, group: list[Found]) -> list[Found]:
        """Return the single ones of a group as they were last, where that is known."""
        return [
            replace(one, values=self.states[one.number].one.values)
            if one.number in self.states
            else one
            for one in group_of(group)
        ]

    def _shifted(self, group: list[Found], tried: list[Found]) -> list[Found]:
        """Return particles moved together to where the group is."""
        here, there = (
            np.average([one.values[[X, Y]] for one in some], axis=0) for some in (group, tried)
        )
        moved = []
        for one in tried:
            values = one.values.copy()
            values[[X, Y]] += here - there
            moved.append(replace(one, values=values))
        return moved

    def _settle(
        self,
        pictures: Float32Array,
        group: list[Found],
        lost: list[Found],
        frame: int,
        noise: float,
    ) -> None:
        """Put the best of what may be there in the place of a group, if it is better than that.

        All at first, then without one after the other: a track that ended may go on as another.
        """
        every = self._at_last(group) + lost
        tries = [every, group_of(group) + lost, self._shifted(group, every)]
        starts = np.array([one.values for one in [*group, *every, *tries[2]]])
        box = box_of(starts, self.field)
        beside = self._beside(group, box, frame)
        here = self._fitted(pictures, [group], box, beside, frame, noise)[0]
        least = here.score - _BETTER
        if here.explained:  # by fewer, perhaps, without what is no track of its own
            known = [one for one in every if one.number in self.table.looks]
            tries = [known] if 0 < len(known) < len(every) else tries[: bool(lost)]
            tries += others_of(here.particles)
        if len(lost) >= len(group):  # what was fitted wrongly began as tracks of its own
            tries.append(lost)
        while tries:
            fits = self._fitted(pictures, tries, box, beside, frame, noise)
            good = [fit for fit in fits if fit.possible and fit.score < least]
            if good:
                fit = min(good, key=lambda fit: fit.score)
                ways = others_of(fit.particles)
                others = self._fitted(pictures, ways, box, beside, frame, noise) if ways else []
                self._put(frame, group, _surest([fit, *others]))
                return
            if here.explained:
                break
            best = min(range(len(tries)), key=lambda k: fits[k].score)
            fewer = tries[best] if np.isfinite(fits[best].score) else tries[0]
            tries = [fewer[:k] + fewer[k + 1 :] for k in range(len(fewer))] if fewer[1:] else []
        if lost and len(group) == 1:
            self._doubt(group[0])

    def _put(self, frame: int, group: list[Found], particles: list[Found]) -> None:
        """Put particles in the place of a group."""
        others = [one for one in self.table.at[frame] if not _among(one, group)]
        self.table.at[frame] = others + particles

    def _doubt(self, one: Found) -> None:
        """Mark as merged what has the contrast of two, where another is missed beside it."""
        usual = self.table.looks.get(one.number)
        strong = usual is not None and one.values[A] > _STRONG * usual[0]
        if strong and one.label != MERGED:
            one.label = MERGED

    def _fitted(
        self,
        pictures: Float32Array,
        tries: list[list[Found]],
        box: IntArray,
        beside: FloatArray,
        frame: int,
        noise: float,
    ) -> list[_Fit]:
        """Fit each of several groups in a box (4,), particles `beside` it (M, 8) divided out."""
        count = len(tries)
        found = fit_groups(
            pictures,
            Groups.of(0, [np.array([one.values for one in some]) for some in tries], [box] * count),
            free=free_of(self.seen),
            kappa=self.seen.kappa,
            sign=self.seen.sign,
            beside=(np.arange(count + 1) * len(beside), np.tile(beside, (count, 1))),
        )
        first = np.cumsum([0, *map(len, tries)])
        fits = []
        for k, particles in enumerate(tries):
            values, errors = (a[first[k] : first[k + 1]] for a in (found.values, found.errors))
            variance = float(found.cost[k] / (found.pixels[k] - values.size))
            new = [
                fitted(one, value, error, float(np.sqrt(variance)))
                for one, value, error in zip(particles, values, errors, strict=True)
            ]
            score = float(found.cost[k] / noise + _COSTS * len(new))
            own = noise / self._alike() * self.seen.scale.residual
            chance = np.sqrt(2 * noise / own / found.pixels[k])
            explained = variance < own * (1 + _EXPLAINED_SDS * chance)
            fits.append(_Fit(new, score, self._possible(new, frame), explained))
        return fits

    def _alike(self) -> float:
        """Return how many pixels have one noise of their own, times what a good fit leaves."""
        side = 2 * self.shape.half_window + 1
        return max(side**2 / self.seen.scale.independent, 1.0) * self.seen.scale.residual

    def _beside(self, group: list[Found], box: IntArray, frame: int) -> FloatArray:
        """Return the particles (M, 8) of a frame that reach into the box (4,) of a group."""
        others = [one.values for one in self.table.at[frame] if not _among(one, group)]
        values: FloatArray = np.array(others, np.float64).reshape(-1, 8)
        reach = windows(values)
        near: BoolArray = (values[:, Y] + reach >= box[0]) & (values[:, Y] - reach < box[2])
        near &= (values[:, X] + reach >= box[1]) & (values[:, X] - reach < box[3])
        return np.asarray(values[near], np.float64)

    def _possible(self, particles: list[Found], frame: int) -> bool:
        """Whether particles that were fitted are clear, and go on from what they were."""
        pairs = [(one.values, one.errors) for one in particles]
        values, errors = (np.array(a) for a in zip(*pairs, strict=True))
        x, y = values[:, X], values[:, Y]
        clear = errors[:, [X, Y]].max() < _ERROR * self.shape.radius
        if not clear or not inside(x, y, np.empty((1, *self.field), np.float32)).all():
            return False
        for one, new in zip(particles, values, strict=True):
            usual = self.table.looks.get(one.number)
            strong = new[A] / (self.seen.amplitude if usual is None else usual[0])
            if not _CONTRAST[0] < strong < _CONTRAST[1]:
                return False
            before = self.states.get(one.number)
            if before is not None and not self.motion.allows(before, new, frame):
                return False
        return True


def group_of(group: list[Found]) -> list[Found]:
    """Return the single ones of a group."""
    return [one for one in group if is_single(one)]


def _among(one: Found, group: list[Found]) -> bool:
    return any(one is other for other in group)
