"""Fixes to poses: smoothed, at a frame's time, at the camera's place, with what they are worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from roadwarden.detections import PlaneCovariance, Position
from roadwarden.geo.fixes import Checked, Column, Fault, Finding, Fix, Limits, check, seconds_of
from roadwarden.geo.plane import LocalPlane, Metres
from roadwarden.geo.pose import LeverArm, Pose
from roadwarden.geo.smoothing import ACCELERATION_M2_S3, States, smooth

NO_ARM = LeverArm()
_HELD_SIGMA_DEG = 5.0
"""At least, of a heading that was taken over from before the vehicle stopped."""


class HeadingFrom(StrEnum):
    """Where headings come from; what is missing comes from the motion in either case."""

    RECEIVER = "receiver"
    MOTION = "motion"  # for receivers whose course is worse than the smooth track's, or is that of a single step


@dataclass(frozen=True, slots=True)
class TrackSettings:
    """What is known of the receiver and the vehicle."""

    sigma_m: float = 3.0  # of a fix that does not say: east and north each
    heading_from: HeadingFrom = HeadingFrom.RECEIVER
    heading_sigma_deg: float = 2.0  # of a receiver's heading
    slowest_mps: float = 1.0  # below, motion tells no heading
    longest_gap_s: float = 3.0  # from a wanted time to the nearest fix
    acceleration_m2_s3: float = ACCELERATION_M2_S3
    limits: Limits = field(default_factory=Limits)


DEFAULT = TrackSettings()


@dataclass(frozen=True, slots=True)
class Poses:
    """One pose a wanted time, None where a finding says why."""

    poses: tuple[Pose | None, ...]
    findings: tuple[Finding, ...]  # of the fixes first, then of the wanted times


def poses_at(
    fixes: Sequence[Fix], times: Sequence[datetime], arm: LeverArm = NO_ARM, settings: TrackSettings = DEFAULT
) -> Poses:
    """The camera's poses at ``times``, in any order. Raises nothing for bad fixes: findings name them. O(n log n)."""
    checked = check(fixes, settings.limits)
    if not checked.kept:
        nowhere = _about(Fault.OFF_TRACK, np.ones(len(times), np.bool_))
        return Poses((None,) * len(times), (*checked.findings, *nowhere))
    kept = [fixes[index] for index in checked.kept]
    seconds, wanted = seconds_of([fix.at for fix in kept]), seconds_of(times)
    degrees = np.array([(fix.lat, fix.lon) for fix in kept], np.float64)
    plane = LocalPlane(float(np.median(degrees[:, 0])), float(np.median(degrees[:, 1])))
    sigmas = np.array([settings.sigma_m if fix.sigma_m is None else fix.sigma_m for fix in kept], np.float64)
    moments = np.concatenate([wanted, seconds])  # fixes too: a heading may have to be taken over from one
    states, outlying = smooth(seconds, plane.to_metres(degrees), sigmas, moments, settings.acceleration_m2_s3)
    turn = plane.convergence_deg(states.metres)
    heading, heading_sigma = _headings(kept, seconds, moments, states, turn, settings)
    off = _gap(seconds, wanted) > settings.longest_gap_s
    blind = ~off & np.isnan(heading[: len(times)])
    made = _poses(times, plane, states, (heading, heading_sigma), arm, ~(off | blind))
    about_times = (*_about(Fault.OFF_TRACK, off), *_about(Fault.NO_HEADING, blind))
    return Poses(made, (*_with_deviating(checked, outlying), *about_times))


def _with_deviating(checked: Checked, outlying: npt.NDArray[np.bool_]) -> tuple[Finding, ...]:
    indices = tuple(sorted(checked.kept[row] for row in np.flatnonzero(outlying)))
    return (*checked.findings, *((Finding(Fault.DEVIATING, indices, False),) if indices else ()))


def _about(fault: Fault, mask: npt.NDArray[np.bool_]) -> tuple[Finding, ...]:
    return (Finding(fault, tuple(np.flatnonzero(mask).tolist()), True),) if mask.any() else ()


def _gap(seconds: Column, wanted: Column) -> Column:
    """Seconds from each wanted time to the nearest fix."""
    after = np.searchsorted(seconds, wanted).clip(0, len(seconds) - 1)
    return np.asarray(np.minimum(np.abs(seconds[after] - wanted), np.abs(seconds[(after - 1).clip(0)] - wanted)))


def _headings(
    fixes: Sequence[Fix], seconds: Column, moments: Column, states: States, turn: Column, settings: TrackSettings
) -> tuple[Column, Column]:
    """Degrees and their sigma at each moment; NaN where nothing tells. ``turn``: from plane to true north."""
    speed, speed_sigma = np.linalg.norm(states.velocity, axis=1), np.sqrt(states.velocity_variance)
    moving = speed > np.maximum(settings.slowest_mps, 3 * speed_sigma)
    course = np.degrees(np.arctan2(states.velocity[:, 0], states.velocity[:, 1])) + turn
    heading = np.where(moving, course, np.nan)
    sigma = np.degrees(speed_sigma / np.maximum(speed, 1e-9))
    if settings.heading_from is HeadingFrom.RECEIVER:
        told = _told(fixes, seconds, moments, settings.longest_gap_s)
        heading = np.where(np.isnan(told), heading, told)
        sigma = np.where(np.isnan(told), sigma, settings.heading_sigma_deg)
    return _held(moments, heading, sigma)


def _told(fixes: Sequence[Fix], seconds: Column, moments: Column, longest_gap_s: float) -> Column:
    """The receiver's headings between those of its fixes, the short way round; NaN where it gave none near."""
    given = np.array([fix.heading_deg is not None for fix in fixes], np.bool_)
    if not given.any():
        return np.full(len(moments), np.nan)
    at = seconds[given]
    turned = np.unwrap(np.array([fix.heading_deg for fix in fixes if fix.heading_deg is not None]), period=360)
    return np.where(_gap(at, moments) <= longest_gap_s, np.interp(moments, at, turned), np.nan)


def _held(moments: Column, heading: Column, sigma: Column) -> tuple[Column, Column]:
    """Fills what nothing tells with the last heading before, or the first after: a standing vehicle does not turn."""
    order = np.argsort(moments, kind="stable")
    known = np.flatnonzero(~np.isnan(heading[order]))
    if not len(known):
        return heading, sigma
    place = np.searchsorted(known, np.arange(len(order)), side="right") - 1
    source = np.empty_like(order)
    source[order] = order[known[place.clip(0)]]
    held = np.isnan(heading)
    return heading[source], np.where(held, np.maximum(sigma[source], _HELD_SIGMA_DEG), sigma)


def _poses(
    times: Sequence[datetime],
    plane: LocalPlane,
    states: States,
    headings: tuple[Column, Column],
    arm: LeverArm,
    wanted: npt.NDArray[np.bool_],
) -> tuple[Pose | None, ...]:
    heading, sigma = (column[: len(times)] for column in headings)
    metres, spread = _moved(states.metres[: len(times)], states.variance_m2[: len(times)], heading, sigma, arm)
    places = plane.to_degrees(np.where(wanted[:, None], metres, 0.0))
    speeds = np.linalg.norm(states.velocity[: len(times)], axis=1)
    return tuple(
        _pose(time, places[row], float(heading[row] % 360) % 360, float(speeds[row]), spread[row], float(sigma[row]))
        if wanted[row]
        else None
        for row, time in enumerate(times)
    )


def _moved(
    metres: Metres, variance: Column, heading: Column, sigma: Column, arm: LeverArm
) -> tuple[Metres, npt.NDArray[np.float64]]:
    """The camera's place, and its (n, 3) variances of east, of north, and covariance: the arm adds the heading's."""
    sine, cosine = np.sin(np.radians(heading)), np.cos(np.radians(heading))
    away = np.stack([arm.forward_m * sine - arm.left_m * cosine, arm.forward_m * cosine + arm.left_m * sine], axis=1)
    swing = np.stack([away[:, 1], -away[:, 0]], axis=1) * np.radians(sigma)[:, None]
    spread = np.stack([variance + swing[:, 0] ** 2, variance + swing[:, 1] ** 2, swing[:, 0] * swing[:, 1]], axis=1)
    return metres + away, spread


def _pose(time: datetime, place: Column, heading: float, speed: float, spread: Column, sigma: float) -> Pose:
    position = Position(float(place[0]), float(place[1]), heading, speed)
    return Pose(time, position, heading, PlaneCovariance(float(spread[0]), float(spread[1]), float(spread[2])), sigma)
