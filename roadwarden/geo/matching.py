"""Which road a vehicle drove on: the hidden Markov model of Newson and Krumm.

P. Newson, J. Krumm: Hidden Markov Map Matching Through Noise and Sparseness, ACM SIGSPATIAL GIS 2009. A fix speaks for
the roads near it (a normal law of the distance), and two fixes for the roads between which the drive is about as long
as the straight line (an exponential law of the difference). As there, only fixes two sigmas apart take part, because
noise looks like motion among denser ones; those between follow. Added: headings, where they are known, speak too, and
a change of segment costs a little, so that noise at a crossing is not a drive into the side street and back.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from roadwarden.detections import Position
from roadwarden.geo.candidates import Candidates, candidates_of
from roadwarden.geo.network import Column, Indices, RoadNetwork
from roadwarden.geo.places import RoadPlace
from roadwarden.geo.plane import Metres
from roadwarden.geo.road_graph import RoadGraph

_BLOCK = 256  # steps whose driving distances are reckoned together


@dataclass(frozen=True, slots=True)
class MatchSettings:
    """What is known of the fixes."""

    sigma_m: float = 5.0  # of a fix across the road; the paper's data had 4.07
    beta_m: float = 5.0  # by how much a drive differs from the straight line between two fixes
    heading_sigma_deg: float = 25.0
    within_m: float = 50.0  # roads further away are not considered
    most_roads: int = 8  # considered for one fix, the nearest
    change_cost: float = 4.0  # of the logarithm of the likelihood, for each change of segment between two fixes
    detour_m: float = 200.0  # a drive longer than 1.5 straight lines and this is none


DEFAULT = MatchSettings()


@dataclass(frozen=True, slots=True)
class Matched:
    """One place a position; None where no road is near, which ``off_road`` lists."""

    places: tuple[RoadPlace | None, ...]
    off_road: tuple[int, ...]
    breaks: tuple[int, ...]  # positions that no drive leads to from the one before: matching began anew there


class MapMatcher:
    """Matches tracks to one network; building its graph takes longer than a track."""

    def __init__(self, network: RoadNetwork, settings: MatchSettings = DEFAULT) -> None:
        self._network, self._settings, self._graph = network, settings, RoadGraph.of(network)

    def match(self, positions: Sequence[Position | None]) -> Matched:
        """The most likely road of each position, in order of time; O(n) for a city's density of roads."""
        known = np.array([index for index, position in enumerate(positions) if position is not None], np.intp)
        places: list[RoadPlace | None] = [None] * len(positions)
        some = [position for position in positions if position is not None]
        degrees = np.array([(position.lat, position.lon) for position in some], np.float64).reshape(-1, 2)
        metres = self._network.plane.to_metres(degrees)
        steps = candidates_of(self._network, metres, self._settings.within_m, self._settings.most_roads)
        near = steps.rows[:, 0] >= 0 if steps.rows.size else np.zeros(0, np.bool_)
        breaks: list[int] = []
        if near.any():
            headings = np.array([np.nan if one.heading_deg is None else one.heading_deg for one in some], np.float64)
            kept = known[near]
            rows, broken = self._rows(steps.take(near), metres[near], headings[near])
            for index, place in zip(kept.tolist(), self._network.places(metres[near], rows), strict=True):
                places[index] = place
            breaks = kept[broken].tolist()
        return Matched(tuple(places), tuple(i for i, place in enumerate(places) if place is None), tuple(breaks))

    def match_each(self, positions: Sequence[Position]) -> tuple[RoadPlace | None, ...]:
        """The most likely road of each position by itself, by distance and heading: for things, which do not drive."""
        if not positions:
            return ()
        degrees = np.array([(one.lat, one.lon) for one in positions], np.float64)
        headings = np.array([np.nan if one.heading_deg is None else one.heading_deg for one in positions], np.float64)
        metres = self._network.plane.to_metres(degrees)
        steps = candidates_of(self._network, metres, self._settings.within_m, self._settings.most_roads)
        near = np.flatnonzero(steps.rows[:, 0] >= 0) if steps.rows.size else np.zeros(0, np.intp)
        places: list[RoadPlace | None] = [None] * len(positions)
        if len(near):
            found = steps.take(near)
            best = self._emissions(found, headings[near]).argmax(axis=1)
            chosen = self._network.places(metres[near], found.rows[np.arange(len(near)), best])
            for row, place in zip(near.tolist(), chosen, strict=True):
                places[row] = place
        return tuple(places)

    def _rows(self, steps: Candidates, metres: Metres, headings: Column) -> tuple[Indices, list[int]]:
        """The segment of each position, and the positions where the chain broke."""
        kept = _apart(metres, 2 * self._settings.sigma_m)
        choice, breaks = self._viterbi(steps.take(kept), metres[kept], headings[kept])
        chosen = steps.rows[kept, choice]
        rows = np.empty(len(metres), np.intp)
        rows[kept] = chosen
        rows[kept[-1] :] = chosen[-1]
        for this, (first, last) in enumerate(pairwise(kept.tolist())):
            between = np.arange(first + 1, last)
            rows[between] = self._change(metres[between], int(chosen[this]), int(chosen[this + 1]))
        return rows, kept[breaks].tolist()

    def _change(self, metres: Metres, before: int, after: int) -> Indices:
        """Positions between two that the model has placed: on the one road, then on the other, where that fits best."""
        if before == after or not len(metres):
            return np.full(len(metres), before, np.intp)
        squares = [self._network.linear(metres, np.full(len(metres), row, np.intp))[1] ** 2 for row in (before, after)]
        gain = np.concatenate([[0.0], np.cumsum(squares[0] - squares[1])])
        return np.where(np.arange(len(metres)) < int(gain.argmin()), before, after)

    def _viterbi(self, steps: Candidates, metres: Metres, headings: Column) -> tuple[Indices, list[int]]:
        straight = np.linalg.norm(np.diff(metres, axis=0), axis=1)
        emissions = self._emissions(steps, headings)
        score, back, breaks = emissions[0], np.full(steps.rows.shape, -1, np.intp), []
        for first in range(0, len(straight), _BLOCK):
            part = slice(first, min(first + _BLOCK, len(straight)))
            transitions = self._transitions(steps, part, straight[part])
            for step, transition in enumerate(transitions, start=first + 1):
                reached = score[:, None] + transition
                best = reached.argmax(axis=0)
                onward = reached[best, np.arange(len(best))]
                if np.isfinite(onward + emissions[step]).any():
                    back[step], score = best, onward + emissions[step]
                else:
                    breaks.append(step)
                    back[step], score = int(score.argmax()), emissions[step]
        return _traced(back, int(score.argmax())), breaks

    def _emissions(self, steps: Candidates, headings: Column) -> Column:
        settings = self._settings
        score = -0.5 * (steps.offsets / settings.sigma_m) ** 2
        valid = steps.rows >= 0
        ahead = np.zeros((*valid.shape, 2))
        ahead[valid] = self._network.directions(steps.rows[valid], steps.chainages[valid])
        turn = np.degrees(np.arctan2(ahead[..., 0], ahead[..., 1])) - headings[:, None]
        turn = np.abs((turn + 180) % 360 - 180)
        turn = np.where(self._graph.one_way[steps.rows], turn, np.minimum(turn, 180 - turn))
        score -= np.nan_to_num(0.5 * (np.minimum(turn, 90) / settings.heading_sigma_deg) ** 2)
        return np.where(valid, score, -np.inf)

    def _transitions(self, steps: Candidates, part: slice, straight: Column) -> Column:
        """(steps, from, to) logarithms of the likelihood of driving from each candidate to each of the next step."""
        shape = steps.rows.shape
        here, there = steps.take(part), steps.take(slice(part.start + 1, part.stop + 1))
        routes = self._direct(here, there)
        limit = 1.5 * float(straight.max()) + self._settings.detour_m
        leave_at, leave, _ = (values.reshape(-1, shape[1], 2) for values in self._doors(here))
        come_at, _, come = (values.reshape(-1, shape[1], 2) for values in self._doors(there))
        nodes, local = np.unique(np.concatenate([leave_at.ravel(), come_at.ravel()]), return_inverse=True)
        distances = self._graph.between(nodes, limit)
        out, into = local[: leave_at.size].reshape(leave_at.shape), local[leave_at.size :].reshape(come_at.shape)
        for door in (0, 1):
            for gate in (0, 1):
                drive = distances[out[:, :, None, door], into[:, None, :, gate]]
                drive = drive + leave[:, :, None, door] + come[:, None, :, gate]
                routes = np.minimum(routes, drive)
        allowed = 1.5 * straight + self._settings.detour_m
        routes = np.where(routes <= allowed[:, None, None], routes, np.inf)
        changed = self._settings.change_cost * (here.rows[:, :, None] != there.rows[:, None, :])
        return np.asarray(-np.abs(routes - straight[:, None, None]) / self._settings.beta_m - changed)

    def _doors(self, steps: Candidates) -> tuple[Indices, Column, Column]:
        return self._graph.doors(np.maximum(steps.rows, 0).ravel(), steps.chainages.ravel())

    def _direct(self, here: Candidates, there: Candidates) -> Column:
        """Metres along the segment that both are on; against the traffic is noise of a vehicle that did not move."""
        gone = there.chainages[:, None, :] - here.chainages[:, :, None]
        same = (here.rows[:, :, None] == there.rows[:, None, :]) & (here.rows[:, :, None] >= 0)
        against = self._graph.one_way[here.rows][:, :, None] & (gone < 0)
        wrong = against & (gone < -3 * self._settings.sigma_m)
        return np.where(same & ~wrong, np.where(against, 0.0, np.abs(gone)), np.inf)


def _apart(metres: Metres, least_m: float) -> Indices:
    """The first point, and each that is that far from the one taken before it."""
    taken = [0]
    points = metres.tolist()
    for index, (east, north) in enumerate(points):
        last = points[taken[-1]]
        if math.hypot(east - last[0], north - last[1]) >= least_m:
            taken.append(index)
    return np.array(taken, np.intp)


def _traced(back: Indices, last: int) -> Indices:
    """The chosen candidate of each step, from the last backwards."""
    choice = np.zeros(len(back), np.intp)
    for step in range(len(back) - 1, -1, -1):
        choice[step] = last
        last = int(back[step, last])
    return choice
