"""A lens measured on pictures of a chessboard: Zhang's method, as OpenCV has it.

Z. Zhang: A flexible new technique for camera calibration, IEEE TPAMI 22 (2000). Square pixels and no third radial term:
both are badly measured by a dozen pictures and bend the edges of the frame when they are let free.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from roadwarden.detections import Image
from roadwarden.errors import ConfigError, DataError

FEWEST = 4
"""Pictures in which the board must be found; a dozen, tilted all ways and into the corners, is good."""
WORST_RMS_PX = 1.5
Corners = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Board:
    """Inner corners of a chessboard, where four squares meet, and its squares."""

    columns: int
    rows: int
    square_m: float

    def __post_init__(self) -> None:
        if self.columns < 3 or self.rows < 3 or not self.square_m > 0:
            raise ConfigError(
                f"a board has 3 x 3 inner corners or more, not {self.columns} x {self.rows}; squares in metres"
            )

    @classmethod
    def parse(cls, text: str, square_m: float) -> Board:
        """From e.g. ``9x6``."""
        columns, _, rows = text.lower().partition("x")
        if not (columns.strip().isdigit() and rows.strip().isdigit()):
            raise ConfigError(f"board '{text}': wanted inner corners as e.g. 9x6 (a board of 10 x 7 squares)")
        return cls(int(columns), int(rows), square_m)

    def points(self) -> npt.NDArray[np.float32]:
        """(n, 3) corners in metres, in the order that OpenCV finds them."""
        grid = np.mgrid[0 : self.columns, 0 : self.rows].T.reshape(-1, 2) * self.square_m
        return np.column_stack([grid, np.zeros(len(grid))]).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Intrinsics:
    """What was measured, each with its standard deviation; pixels."""

    width_px: int
    height_px: int
    focal: tuple[float, float]
    centre_x: tuple[float, float]
    centre_y: tuple[float, float]
    distortion: tuple[float, float, float, float, float]
    rms_px: float  # of the corners
    used: tuple[str, ...]
    not_found: tuple[str, ...]  # pictures without the whole board


def find_corners(image: Image, board: Board) -> Corners | None:
    """(n, 1, 2) pixels of the inner corners to a fraction of a pixel; None where the whole board is not seen."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    found, corners = cv2.findChessboardCornersSB(grey, (board.columns, board.rows), flags=cv2.CALIB_CB_ACCURACY)
    return np.asarray(corners, np.float32).reshape(-1, 1, 2) if found else None


def measure_lens(pictures: Mapping[str, Image], board: Board) -> Intrinsics:
    """The lens behind pictures of one size; raises DataError, with what to do, where they do not tell it."""
    sizes = {(image.shape[1], image.shape[0]) for image in pictures.values()}
    if len(sizes) > 1:
        raise DataError(f"pictures of several sizes {sorted(sizes)}: calibrate on frames as the camera delivers them")
    found = {name: corners for name, image in pictures.items() if (corners := find_corners(image, board)) is not None}
    if len(found) < FEWEST:
        raise DataError(
            f"the board of {board.columns} x {board.rows} inner corners was found in {len(found)} of {len(pictures)} "
            f"pictures, {FEWEST} are needed: count corners, not squares; show the whole board, sharp, from all sides"
        )
    (size,) = sizes
    rms, matrix, lens, sigmas = _calibrated(list(found.values()), board, size)
    if not rms <= WORST_RMS_PX:
        raise DataError(f"corners miss by {rms:.2f} px: is the board flat, are pictures sharp, is --board right?")
    return Intrinsics(
        *size,
        focal=(float(matrix[0, 0]), float(max(sigmas[0], sigmas[1]))),
        centre_x=(float(matrix[0, 2]), float(sigmas[2])),
        centre_y=(float(matrix[1, 2]), float(sigmas[3])),
        distortion=(float(lens[0]), float(lens[1]), float(lens[2]), float(lens[3]), 0.0),
        rms_px=rms,
        used=tuple(found),
        not_found=tuple(name for name in pictures if name not in found),
    )


def _calibrated(
    corners: list[Corners], board: Board, size: tuple[int, int]
) -> tuple[float, npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Root mean square, camera matrix, distortion, and standard deviations of the intrinsics."""
    flags = cv2.CALIB_FIX_ASPECT_RATIO | cv2.CALIB_FIX_K3
    try:
        rms, matrix, lens, _, _, sigmas, _, _ = cv2.calibrateCameraExtended(
            [board.points()] * len(corners), corners, size, np.eye(3), np.zeros(5), flags=flags
        )
    except cv2.error as exc:
        raise DataError(f"these pictures do not tell the lens ({exc.err}): tilt the board differently in each") from exc
    return float(rms), np.asarray(matrix), np.asarray(lens).ravel(), np.asarray(sigmas).ravel()
