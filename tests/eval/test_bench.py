"""The benchmark runs every contender on the same frames, also when it has to repeat them."""

from __future__ import annotations

import pytest

from roadwarden.errors import DataError
from roadwarden.eval.bench_detect import BenchResult, Measured, bench
from roadwarden.models.load import shipped_model
from tests.conftest import REPOSITORY

CHECKPOINT = REPOSITORY / "models" / "roadwarden-yolo26n-4.pt"


@pytest.mark.slow
def test_a_table_with_every_contender(street):
    pytest.importorskip("ultralytics", reason="the peers come with roadwarden[train]")
    pytest.importorskip("psutil", reason="needs roadwarden[dev]")
    frames = sorted((street / "frames").iterdir())[:3] * 2
    told: list[str] = []
    result = bench(frames, onnx=shipped_model(), checkpoint=CHECKPOINT, cores=2, tell=told.append)
    assert set(result.runs) == {"bound", "ours", "peer_onnx", "peer_pt", "inference", "decode"}
    assert all(run.frames == 6 and run.seconds > 0 and run.peak_rss_mb > 50 for run in result.runs.values())
    assert "of that bound (target 0.90)" in result.markdown()
    assert len(told) == 6


def test_the_ratios_by_hand():
    runs = {
        "decode": Measured("decode", 100, 1.0, 0.1, 1.0),  # 10 ms a frame
        "inference": Measured("inference", 100, 3.0, 0.1, 1.0),  # 30 ms a frame
        "ours": Measured("ours", 100, 2.5, 0.1, 1.0),  # 40 frames/s
        "peer_onnx": Measured("peer_onnx", 100, 5.0, 0.1, 1.0),  # 20 frames/s
    }
    result = BenchResult("machine", 2, "model", runs)
    assert result.whole_job_bound == pytest.approx(50.0)
    assert result.share_of_bound == pytest.approx(0.8)
    assert result.against_peer("peer_onnx") == pytest.approx(2.0)


def test_nothing_to_measure_on():
    with pytest.raises(DataError, match="no frames"):
        bench([], onnx=shipped_model(), checkpoint=None, cores=1, tell=print)
