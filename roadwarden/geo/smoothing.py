"""A constant-velocity Kalman filter and Rauch-Tung-Striebel smoother over fixes, asked at any times.

The model is the white-noise acceleration of Bar-Shalom, Li and Kirubarajan (Estimation with Applications to Tracking
and Navigation, 2001, section 6.2.2): east and north are alike and independent, so they share one 2 x 2 covariance.
Times that are asked for are steps without a measurement, which is the exact interpolation. Plain floats: 2 x 2 matrices
are too small for numpy to pay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from roadwarden.geo.plane import Metres

Column: TypeAlias = npt.NDArray[np.float64]
ACCELERATION_M2_S3 = 0.5
"""Spectral density of the vehicle's acceleration: after one second its speed is unsure by 0.7 m/s."""
GATE = 13.82
"""The 99.9 % point of chi-square with two degrees of freedom: a fix further away is weighed down to lie there."""
_ANYWHERE_M2, _ANY_SPEED_M2_S2 = 1e6, 900.0

_State: TypeAlias = tuple[float, float, float, float, float, float, float]
"""East, north, their velocities; variance of position, covariance, variance of velocity."""


@dataclass(frozen=True, slots=True, eq=False)
class States:
    """Where and how fast at n times; each variance holds for east and for north alike."""

    metres: Metres  # (n, 2)
    velocity: Metres  # (n, 2) metres a second
    variance_m2: Column  # (n,) of the position
    velocity_variance: Column  # (n,) of the velocity, m2/s2


def smooth(
    seconds: Column, metres: Metres, sigmas_m: Column, wanted: Column, acceleration: float = ACCELERATION_M2_S3
) -> tuple[States, npt.NDArray[np.bool_]]:
    """States at the ``wanted`` seconds, and which of the n >= 1 sorted fixes were weighed down. O(n log n)."""
    times = np.concatenate([seconds, wanted])
    order = np.argsort(times, kind="stable")
    states, outlying = _smoothed(seconds, metres, sigmas_m, times[order], order, acceleration)
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    rows = states[back[len(seconds) :]]
    return States(rows[:, :2], rows[:, 2:4], rows[:, 4], rows[:, 6]), outlying


def _smoothed(
    seconds: Column,
    metres: Metres,
    sigmas_m: Column,
    times: Column,
    order: npt.NDArray[np.intp],
    acceleration: float,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    east, north = metres.T.tolist()
    variances = (sigmas_m**2).tolist()
    steps = np.diff(times, prepend=times[:1]).tolist()
    outlying = np.zeros(len(seconds), np.bool_)
    state: _State = (east[0], north[0], 0.0, 0.0, _ANYWHERE_M2, 0.0, _ANY_SPEED_M2_S2)
    predicted, filtered = [], []
    for step, index in zip(steps, order.tolist(), strict=True):
        state = _predict(state, step, acceleration)
        predicted.append(state)
        if index < len(seconds):
            state, outlying[index] = _update(state, east[index], north[index], variances[index])
        filtered.append(state)
    return _backward(predicted, filtered, steps), outlying


def _predict(state: _State, step: float, acceleration: float) -> _State:
    east, north, east_v, north_v, place, both, speed = state
    return (
        east + east_v * step,
        north + north_v * step,
        east_v,
        north_v,
        place + 2 * both * step + speed * step**2 + acceleration * step**3 / 3,
        both + speed * step + acceleration * step**2 / 2,
        speed + acceleration * step,
    )


def _update(state: _State, east_z: float, north_z: float, variance: float) -> tuple[_State, bool]:
    east, north, east_v, north_v, place, both, speed = state
    off_east, off_north = east_z - east, north_z - north
    square = off_east**2 + off_north**2
    total = place + variance
    outlying = square > GATE * total
    if outlying:
        total = square / GATE
    gain, gain_v = place / total, both / total
    return (
        east + gain * off_east,
        north + gain * off_north,
        east_v + gain_v * off_east,
        north_v + gain_v * off_north,
        place * (1 - gain),
        both * (1 - gain),
        speed - gain_v * both,
    ), outlying


def _backward(predicted: list[_State], filtered: list[_State], steps: list[float]) -> npt.NDArray[np.float64]:
    later = filtered[-1]
    smoothed = [later]
    for index in range(len(filtered) - 2, -1, -1):
        later = _step_back(filtered[index], predicted[index + 1], later, steps[index + 1])
        smoothed.append(later)
    return np.array(smoothed[::-1], np.float64)


def _step_back(now: _State, predicted: _State, later: _State, step: float) -> _State:
    if step == 0:  # the same instant knows the same
        return later
    place, both, speed = now[4:]
    place_p, both_p, speed_p = predicted[4:]
    size = place_p * speed_p - both_p * both_p
    left, right = place + both * step, both + speed * step  # rows of P F^T: (left, both), (right, speed)
    gain = (
        ((left * speed_p - both * both_p) / size, (both * place_p - left * both_p) / size),
        ((right * speed_p - speed * both_p) / size, (speed * place_p - right * both_p) / size),
    )
    moved = [later[axis] - predicted[axis] for axis in range(4)]
    d_place, d_both, d_speed = later[4] - place_p, later[5] - both_p, later[6] - speed_p
    (g11, g12), (g21, g22) = gain
    return (
        now[0] + g11 * moved[0] + g12 * moved[2],
        now[1] + g11 * moved[1] + g12 * moved[3],
        now[2] + g21 * moved[0] + g22 * moved[2],
        now[3] + g21 * moved[1] + g22 * moved[3],
        place + g11 * g11 * d_place + 2 * g11 * g12 * d_both + g12 * g12 * d_speed,
        both + g11 * g21 * d_place + (g11 * g22 + g12 * g21) * d_both + g12 * g22 * d_speed,
        speed + g21 * g21 * d_place + 2 * g21 * g22 * d_both + g22 * g22 * d_speed,
    )
