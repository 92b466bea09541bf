"""Sightings to defects: a function of the set of sightings, rulings and answers, whatever order they came in.

Looks of one pass are tracked (``passes``), passes laid over each other (``alignment``), tracks of all passes grouped
(``grouping``). What one frame shows as two is two; other tracks of one pass may be one if other passes show them so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from roadwarden.defects.alignment import Aligned, align
from roadwarden.defects.grouping import Groups, group
from roadwarden.defects.looks import Indices, Looks, looks_of
from roadwarden.defects.passes import Tracks, track
from roadwarden.defects.policy import MergingPolicy
from roadwarden.defects.rulings import NOTHING_RULED, Agreed, Answer, Compared, Ruling, agree, joined, parted
from roadwarden.defects.scene import Bounds, Prices
from roadwarden.defects.things import Things, chord, near, seen_along, turned
from roadwarden.detections import Sighting
from roadwarden.geo.plane import LocalPlane


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What people and pictures said, ready for use."""

    agreed: Agreed = NOTHING_RULED
    compared: tuple[Compared, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Merged:
    """``track_of``: (n,) track of each look; ``groups``: clusters and islands of the tracks."""

    looks: Looks
    tracks: Tracks
    aligned: Aligned
    track_of: Indices
    groups: Groups

    def homes(self) -> dict[str, str]:
        """Sighting to defect, by id."""
        defect = self.looks.ids[self.tracks.founder[self.groups.cluster]][self.track_of]
        return dict(zip(self.looks.ids.tolist(), defect.tolist(), strict=True))


def merge(
    sightings: Iterable[Sighting],
    plane: LocalPlane,
    policy: MergingPolicy | None = None,
    rulings: Iterable[Ruling] = (),
    compared: Iterable[Compared] = (),
) -> Merged:
    """All at once; of sightings with one id the first in order of their values counts."""
    rules = policy or MergingPolicy()
    unique = {sighting.id: sighting for sighting in sorted(sightings, key=repr, reverse=True)}
    looks = looks_of(unique.values(), plane, rules).ordered()
    said = Said(agree(rulings), tuple(sorted(set(compared))))
    tracks, track_of = track(looks, rules, said.agreed)
    aligned = align(tracks, rules)
    return Merged(looks, tracks, aligned, track_of, join(looks, tracks, aligned, track_of, rules, said))


def join(
    looks: Looks, tracks: Tracks, aligned: Aligned, track_of: Indices, policy: MergingPolicy, said: Said
) -> Groups:
    """Clusters of tracks; clusters and islands are numbered by their first tracks."""
    things = replace(tracks.things, place=aligned.place)
    candidates = near(things, policy.reach_m)
    named = looks.ids.tolist() if said.agreed.kin or said.compared else []
    together, never = (
        _of_tracks(pairs, track_of) for pairs in (joined(said.agreed, named), parted(said.agreed, named))
    )
    alike, unlike = _answers(said, named, track_of)
    never, beside = np.concatenate([never, unlike]), _beside(tracks, things, candidates, policy)
    both_seen = _both_seen(looks, tracks, track_of, candidates)
    bounds = Bounds(tracks.drive, tracks.linear, together, never, beside, both_seen, alike, twice_seen=True)
    return group(things, candidates, bounds, Prices(policy.gate, policy.map_floor_m, policy.again, policy.moves))


def _of_tracks(pairs: list[tuple[int, int]], track_of: Indices) -> Indices:
    found = np.sort(track_of[np.array(pairs, np.intp).reshape(-1, 2)], axis=1)
    return np.unique(found[found[:, 0] < found[:, 1]], axis=0)


def _answers(said: Said, named: list[str], track_of: Indices) -> tuple[Indices, Indices]:
    """Pairs of tracks that look the same, and that look different."""
    place = {name: at for at, name in enumerate(named)} if said.compared else {}
    known = [
        (answer.answer, place[answer.one], place[answer.other])
        for answer in said.compared
        if answer.one in place and answer.other in place
    ]
    alike, unlike = (
        _of_tracks([(one, other) for told, one, other in known if told is wanted], track_of)
        for wanted in (Answer.SAME, Answer.DIFFERENT)
    )
    return alike, unlike


def _beside(tracks: Tracks, things: Things, candidates: Indices, policy: MergingPolicy) -> Indices:
    """Cracks of one pass that lie beside each other, not one behind the other in one line: they are two."""
    pairs = candidates[tracks.drive[candidates[:, 0]] == tracks.drive[candidates[:, 1]]]
    pairs = pairs[tracks.linear[pairs].all(axis=1)]
    one, other = pairs[:, 0], pairs[:, 1]
    heading = chord(things.take(one), things.take(other))
    slack = [seen_along(things.slack[end], things.heading[end] - heading) for end in (one, other)]
    gap = np.abs(turned(tracks.things.place[other] - tracks.things.place[one], heading))
    line = np.argmax(slack[0] + slack[1], axis=1)[:, None]
    halves = [np.take_along_axis(part, line, 1)[:, 0] + policy.whole_m / 2 for part in slack]
    shared = halves[0] + halves[1] - np.take_along_axis(gap, line, 1)[:, 0]
    aside = np.take_along_axis(gap, 1 - line, 1)[:, 0]
    in_line = (aside <= policy.aside_m) & (shared <= np.minimum(*halves)) & ((slack[0] + slack[1]).max(axis=1) > 0)
    return np.asarray(pairs[~in_line])


def _both_seen(looks: Looks, tracks: Tracks, track_of: Indices, candidates: Indices) -> Indices:
    """Of the candidates of one pass, those that one frame shows both of."""
    pairs = candidates[tracks.drive[candidates[:, 0]] == tracks.drive[candidates[:, 1]]]
    frames = defaultdict[int, set[int]](set)
    for track_row, frame in zip(track_of.tolist(), looks.frame.tolist(), strict=True):
        frames[track_row].add(frame)
    shared = [not frames[one].isdisjoint(frames[other]) for one, other in pairs.tolist()]
    return np.asarray(pairs[np.array(shared, np.bool_)])
