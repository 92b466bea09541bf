"""Whether a picture is a photograph of a screen: the screen's grid of pixels beats with the camera's.

That leaves lone peaks in the spectrum, all over the picture. Road, grates and tiles have lines too, but in a part of
it, or along the picture's axes. Where the camera's picture was made smaller the beat is gone, and nothing is seen.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from roadwarden.detections import Image

WINDOW_PX = 512
LEAST_PEAK = 3.0
"""Of the logarithmic spectrum above its surroundings, in the middle one of five windows. 0 of 1,040 train frames of
../shared/roads reach it (the highest: 2.70); of frames off a simulated screen more than three quarters do, of those
that the camera made smaller none (docs/repairs.md)."""
_LOWEST, _HIGHEST = 0.06, 0.48
"""Cycles a pixel: below is the scene, above is the sensor's own grid."""
_AROUND_PX = 15


def looks_like_a_screen(image: Image) -> bool:
    """Whether the middle one of five windows shows the beat of two grids."""
    return screen_peak(image) >= LEAST_PEAK


def screen_peak(image: Image) -> float:
    """The median over five windows of the highest lone peak."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.float32)
    height, width = grey.shape
    side = WINDOW_PX if min(height, width) >= WINDOW_PX else WINDOW_PX // 2
    if min(height, width) < side:
        return 0.0
    low, right = height - side, width - side
    corners = sorted({(0, 0), (low // 2, right // 2), (low, right), (low, 0), (0, right)})
    peaks = sorted(_peak(grey[y : y + side, x : x + side]) for y, x in corners)
    return peaks[len(peaks) // 2]


def _peak(part: npt.NDArray[np.float32]) -> float:
    side = part.shape[0]
    fade, searched = _masks(side)
    spectrum = np.abs(np.fft.fftshift(np.fft.fft2((part - part.mean()) * fade)))
    told = np.log1p(spectrum).astype(np.float32)
    above = told - cv2.blur(told, (_AROUND_PX, _AROUND_PX))
    return float(above[searched].max())


@cache
def _masks(side: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """A window that fades out, and where peaks are looked for: one half, off the axes and the grid of JPEG's blocks."""
    fade = np.outer(np.hanning(side), np.hanning(side))
    y, x = np.mgrid[-side // 2 : side // 2, -side // 2 : side // 2]
    cycles = np.hypot(y, x) / side
    block = side // 8
    on_blocks = (_off(y, block) < 3) & (_off(x, block) < 3)
    on_axes = (np.abs(y) < 4) | (np.abs(x) < 4)
    return fade, (y > 0) & (cycles > _LOWEST) & (cycles < _HIGHEST) & ~on_axes & ~on_blocks


def _off(values: npt.NDArray[np.intp], block: int) -> npt.NDArray[np.intp]:
    """How far from the nearest multiple."""
    return np.abs((values + block // 2) % block - block // 2)
