"""Camera files: written, read again, and refused with every fault named."""

from __future__ import annotations

import pytest

from roadwarden.errors import ConfigError
from roadwarden.geo.camera import CameraModel, Lens, Measured, Mounting
from roadwarden.geo.camera_file import camera_yaml, read_camera
from roadwarden.geo.pole import PoleCamera
from roadwarden.geo.pose import LeverArm

FRONT = CameraModel(
    "front",
    Lens(1280, 720, Measured(980.5, 2.1), Measured(641.0, 1.0), Measured(358.0, 1.0), (-0.1, 0.02, 0.001, -0.001, 0.0)),
    Mounting(Measured(1.52, 0.02), Measured(16.8, 0.5), Measured(0.3, 0.3), Measured(-1.0, 0.4)),
    LeverArm(-0.8, 0.2),
    reach_m=25.0,
)
POLE = """\
kind: pole
name: crossing
width_px: 1920
height_px: 1080
heading_deg: 0
points:
  - {u: 300, v: 1000, lat: 30.27400, lon: 120.15500}
  - {u: 1600, v: 1000, lat: 30.27400, lon: 120.15508}
  - {u: 1200, v: 500, lat: 30.27420, lon: 120.15509}
  - {u: 700, v: 500, lat: 30.27420, lon: 120.15499}
"""


def test_a_camera_is_read_as_it_was_written(tmp_path):
    file = tmp_path / "front.yaml"
    file.write_text(camera_yaml(FRONT, made="by hand"), encoding="utf-8")
    assert read_camera(file) == FRONT


def test_a_pole_camera_is_read(tmp_path):
    file = tmp_path / "pole.yaml"
    file.write_text(POLE, encoding="utf-8")
    camera = read_camera(file)
    assert isinstance(camera, PoleCamera)
    assert len(camera.points) == 4


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("reach_m:", "reach:", "did you mean 'reach_m'"),
        ("height_m:", "hight_m:", "mounting.hight_m"),
        ("  sigma: 2.1", "  sigma: -2.1", "lens.focal_px.sigma"),
        ("value: 1.52", "value: -1.52", "above the road"),
        ("kind: vehicle", "kind: drone", "kind"),
        ("value: 980.5", "value: .nan", "finite"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(tmp_path, before, after, fault):
    text = camera_yaml(FRONT, made="")
    assert before in text
    file = tmp_path / "front.yaml"
    file.write_text(text.replace(before, after), encoding="utf-8")
    with pytest.raises(ConfigError, match=fault):
        read_camera(file)


def test_a_pole_with_its_points_in_a_line_is_a_wrong_file(tmp_path):
    file = tmp_path / "pole.yaml"
    file.write_text(POLE.replace("30.27420", "30.27400"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"pole\.yaml.*on a line"):
        read_camera(file)
