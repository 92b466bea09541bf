"""``roadwarden repair assess`` on two files, with the shipped model."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest
from PIL import Image as Pillow
from PIL.ExifTags import Base
from typer.testing import CliRunner

from roadwarden.cli import app
from roadwarden.data.exif import read_exif
from tests.repairs.repair_scenes import looked_at_again, road, with_hole

BOX = "260,220,350,290"


@pytest.fixture
def pictures(tmp_path: Path) -> tuple[Path, Path]:
    before, after = tmp_path / "before.png", tmp_path / "after.png"
    cv2.imwrite(str(before), with_hole(road()))
    cv2.imwrite(str(after), looked_at_again(with_hole(road())))
    return before, after


def test_an_unmended_hole_is_sent_back_with_the_record(pictures: tuple[Path, Path], tmp_path: Path) -> None:
    drawn = tmp_path / "drawn" / "overlay.png"
    command = ["repair", "assess", *map(str, pictures), "--box", BOX, "--type", "pothole", "--json"]
    done = CliRunner().invoke(app, [*command, "--overlay", str(drawn)])
    assert done.exit_code == 0, done.output
    record = json.loads(done.stdout)
    assert record["verdict"] == "NOT_REPAIRED"
    assert record["alignment"]["ok"]
    assert record["alignment"]["inliers"] >= 15
    assert record["alignment"]["overlap"] == 1.0
    assert record["residual"] > 0.5
    assert cv2.imread(str(drawn)).shape == (536, 1932, 3)


def test_a_wet_road_asks_for_another_picture(pictures: tuple[Path, Path]) -> None:
    command = ["repair", "assess", *map(str, pictures), "--box", BOX, "--type", "pothole", "--condition", "wet"]
    done = CliRunner().invoke(app, command)
    assert done.stdout.startswith("INSUFFICIENT_EVIDENCE")
    assert "take it again when it is dry" in done.stdout


def test_an_edited_picture_is_no_evidence(pictures: tuple[Path, Path], tmp_path: Path) -> None:
    exif = Pillow.Exif()
    exif[Base.Software] = "GIMP 2.10"
    edited = tmp_path / "edited.jpg"
    Pillow.open(pictures[1]).save(edited, exif=exif)
    assert read_exif(edited.read_bytes()).software == "GIMP 2.10"
    command = ["repair", "assess", str(pictures[0]), str(edited), "--box", BOX, "--type", "pothole", "--json"]
    record = json.loads(CliRunner().invoke(app, command).stdout)
    assert (record["verdict"], record["reasons"]["faults"]) == ("INSUFFICIENT_EVIDENCE", ["edited"])


@pytest.mark.parametrize("box", ["1,2,3", "9,9,2,2", "a,b,c,d"])
def test_a_box_that_is_none_is_refused(pictures: tuple[Path, Path], box: str) -> None:
    from roadwarden.cli.repair import parse_box
    from roadwarden.errors import ConfigError

    with pytest.raises(ConfigError, match="wanted"):
        parse_box(box)
