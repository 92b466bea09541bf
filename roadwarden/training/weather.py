"""Light and weather over training frames: shadow, sun, rain, motion blur, compression. Needs albumentations."""

from __future__ import annotations

from typing import Any

from roadwarden.errors import MissingExtra


def road_weather(share: float) -> list[Any]:
    """Transforms of which one touches about ``share`` of the frames; boxes stay where they are.

    Raises MissingExtra without albumentations. Values are those under which a crack two pixels wide can still be seen.
    """
    try:
        import albumentations as transforms
    except ImportError as exc:
        raise MissingExtra("road_weather needs albumentations: pip install 'roadwarden[train]'") from exc
    kinds = [
        transforms.RandomShadow(shadow_roi=(0, 0.2, 1, 1), num_shadows_limit=(1, 2), p=1),
        transforms.RandomSunFlare(flare_roi=(0, 0, 1, 0.4), src_radius=120, p=1),
        transforms.RandomRain(drop_length=8, blur_value=3, brightness_coefficient=0.85, p=1),
        transforms.MotionBlur(blur_limit=(3, 5), p=1),
        transforms.ImageCompression(quality_range=(50, 85), p=1),
        transforms.RandomBrightnessContrast(p=1),
    ]
    return [transforms.OneOf(kinds, p=share)]
