"""An inspector's drive becomes tables, a report and pictures."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from roadwarden.cli import app
from roadwarden.geo.coordinates import wgs84_to_gcj02
from roadwarden.inference.tables import DETECTION_COLUMNS, FRAME_COLUMNS, columns_markdown
from roadwarden.taxonomy import DistressType, describe
from tests.conftest import REPOSITORY, jpeg, textured


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def done(street: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("done")
    run("detect", street, "--out", out, "--geojson", "--annotate", "-q")
    return out


def test_every_frame_of_the_drive_has_one_row(done, street):
    frames = pq.read_table(done / "frames.parquet").to_pylist()
    assert [row["frame"] for row in frames] == [f"frames/{number:06d}.jpg" for number in range(24)]
    assert {row["outcome"] for row in frames} <= {"clean", "detected"}
    assert {(row["width"], row["height"]) for row in frames} == {(1280, 720)}


def test_detections_are_typed_timed_and_placed(done, street):
    truth = {row["frame"]: row for row in json.loads((street / "truth.json").read_text())["frames"]}
    rows = pq.read_table(done / "detections.parquet").to_pylist()
    assert rows
    for row in rows:
        DistressType(row["type"])
        assert 0 <= row["x1"] < row["x2"] <= 1280
        assert row["captured_at"].isoformat(timespec="milliseconds") == truth[row["frame"]]["time"]
        assert row["lat"] == pytest.approx(truth[row["frame"]]["lat"], abs=1e-5)
        assert row["heading_deg"] == pytest.approx(62.0)


def test_what_is_seen_lies_on_what_is_there(done, street):
    """Most boxes cover a true defect; the model is young, so this is a floor and no figure."""
    truth = {row["frame"]: row["boxes"] for row in json.loads((street / "truth.json").read_text())["frames"]}
    rows = pq.read_table(done / "detections.parquet").to_pylist()
    hits = sum(any(overlap(row, box["box_xyxy"]) > 0 for box in truth[row["frame"]]) for row in rows)
    assert hits >= 0.5 * len(rows)


def overlap(row: dict, box: list[float]) -> float:
    width = min(row["x2"], box[2]) - max(row["x1"], box[0])
    height = min(row["y2"], box[3]) - max(row["y1"], box[1])
    return max(0.0, width) * max(0.0, height)


def test_the_tables_have_the_documented_columns(done):
    for name, columns in (("detections", DETECTION_COLUMNS), ("frames", FRAME_COLUMNS)):
        schema = pq.read_schema(done / f"{name}.parquet")
        assert [(field.name, field.type) for field in schema] == [(column.name, column.type) for column in columns]
    assert columns_markdown() in (REPOSITORY / "docs" / "tables.md").read_text(encoding="utf-8")


def test_geojson_holds_the_same_detections(done):
    features = json.loads((done / "detections.geojson").read_text())["features"]
    rows = pq.read_table(done / "detections.parquet").to_pylist()
    assert [feature["properties"]["type"] for feature in features] == [row["type"] for row in rows]
    assert features[0]["geometry"]["coordinates"] == pytest.approx([rows[0]["lon"], rows[0]["lat"]], abs=1e-7)


def test_summary_counts_and_run_tells_the_time(done):
    summary = json.loads((done / "summary.json").read_text())
    assert summary["frames"] == 24 == sum(summary["outcomes"].values())
    assert summary["detections"] == pq.read_table(done / "detections.parquet").num_rows
    assert json.loads((done / "run.json").read_text())["seconds"] > 0


def test_annotated_frames_show_boxes(done, street):
    row = pq.read_table(done / "detections.parquet").to_pylist()[0]
    drawn = cv2.imread(str(done / "annotated" / f"{row['frame']}.jpg"))
    original = cv2.imread(str(street / row["frame"]))
    assert drawn.shape == original.shape
    assert cv2.absdiff(drawn, original).max() > 60


def test_the_report_opens_offline_and_holds_everything(done):
    page = (done / "report.html").read_text(encoding="utf-8")
    addresses = set(re.findall(r"""(?:src|href)=["']([^"'#]+)""", page))
    assert all(address.startswith("data:") for address in addresses)
    assert "data:image/jpeg" in page
    for row in pq.read_table(done / "detections.parquet").to_pylist():
        assert describe(DistressType(row["type"])).chinese in page


def test_a_name_cannot_smuggle_script_into_the_report(tmp_path):
    (tmp_path / "card").mkdir()
    (tmp_path / "card" / "<script>alert(1)<").mkdir()
    (tmp_path / "card" / "<script>alert(1)<" / "x.jpg").write_bytes(b"")
    (tmp_path / "card" / "good.jpg").write_bytes(jpeg(textured(1)))
    run("detect", tmp_path / "card", "--out", tmp_path / "out", "-q")
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
def test_the_report_in_a_browser(done, tmp_path):
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    with playwright.sync_playwright() as runtime:
        browser = runtime.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(offline=True)
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto((done / "report.html").as_uri())
        page.eval_on_selector_all("figure img", "images => images.forEach(image => { image.loading = 'eager'; })")
        page.wait_for_function("[...document.querySelectorAll('figure img')].every(image => image.complete)")
        widths = page.eval_on_selector_all("figure img", "images => images.map(image => image.naturalWidth)")
        assert widths
        assert min(widths) > 0
        assert page.locator("svg circle").count() > 10
        assert "Distress by type" in page.inner_text("body")
        page.get_by_text("中文 / English").click()
        assert "修补" in page.inner_text("body")
        assert "Distress by type" not in page.inner_text("body")
        assert faults == []
        browser.close()


def test_json_for_machines(street, tmp_path):
    result = json.loads(run("detect", street, "--out", tmp_path / "out", "--json"))
    assert result["frames"] == 24
    assert result["out"] == str(tmp_path / "out")


def test_positions_of_a_chinese_map_are_brought_back(street, tmp_path):
    shifted = tmp_path / "gcj.csv"
    lines = (street / "track.csv").read_text().splitlines()
    rows = [line.split(",") for line in lines[1:]]
    moved = [[row[0], *map(str, wgs84_to_gcj02(float(row[1]), float(row[2]))), *row[3:]] for row in rows]
    shifted.write_text("\n".join([lines[0], *(",".join(row) for row in moved)]))
    places = []
    for number, (track, system) in enumerate(((street / "track.csv", "wgs84"), (shifted, "gcj02"))):
        out = tmp_path / str(number)
        run("detect", street / "frames", "--out", out, "--track", track, "--coordinates", system, "-q")
        table = pq.read_table(out / "frames.parquet", columns=["lat", "lon"])
        places.append(np.array([table["lat"].to_numpy(), table["lon"].to_numpy()]))
    assert places[0] == pytest.approx(places[1], abs=1e-6)


def test_a_camera_clock_that_is_off_is_set_right(street, tmp_path):
    run("detect", street, "--out", tmp_path / "out", "--clock-offset-s", "3600", "-q")
    rows = pq.read_table(tmp_path / "out" / "frames.parquet").to_pylist()
    assert {row["lat"] for row in rows} == {None}  # an hour after the track has ended
    assert rows[0]["captured_at"].hour == 3


def test_shards_join_to_the_same_bytes(street, done, tmp_path):
    for index in (1, 2):
        run("detect", street, "--out", tmp_path / f"s{index}", "--shard", f"{index}/2", "--geojson", "--annotate", "-q")
    run("merge", tmp_path / "s1", tmp_path / "s2", "--out", tmp_path / "all", "--geojson")
    for name in ("detections.parquet", "frames.parquet", "detections.geojson", "summary.json"):
        assert (tmp_path / "all" / name).read_bytes() == (done / name).read_bytes(), name


@pytest.mark.slow
def test_a_hundred_thousand_frames_are_listed_in_bounded_memory(tmp_path):
    """Peak resident memory of listing and cutting batches, in a process of its own, below 1 GB."""
    (tmp_path / "frames").mkdir()
    for number in range(100_000):
        (tmp_path / "frames" / f"{number:06d}.jpg").touch()
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from roadwarden.data.archives import open_archive\n"
        "from roadwarden.inference.batch import *\n"
        "from roadwarden.inference.listing import read_batches, write_listing\n"
        "count, _ = write_listing(open_archive(sys.argv[1]).entries(), Path(sys.argv[2]))\n"
        "assert sum(len(batch) for _, batch in read_batches(Path(sys.argv[2]))) == count == 100_000\n"
        # VmHWM and not ru_maxrss: that one starts with the memory of the process that forked this one.
        "status = Path('/proc/self/status').read_text()\n"
        "print(int(status.split('VmHWM:')[1].split()[0]) // 1024)\n"
    )
    peak_mb = int(
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "frames"), str(tmp_path / "list.parquet")],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    )
    assert peak_mb < 1024
