"""What every detector holds to, whichever runtime it stands on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from roadwarden.detections import Detections
from roadwarden.errors import ConfigError, ModelError
from roadwarden.models.card import Head, ModelCard, NumberFormat
from roadwarden.models.detector import Detector
from roadwarden.models.load import load_detector, model_path, shipped_model
from roadwarden.models.onnx import sha256_of
from roadwarden.taxonomy import TAXONOMY_VERSION, TRAINED_TYPES
from tests.conftest import REPOSITORY

CHECKPOINT = REPOSITORY / "models" / "roadwarden-yolo26n-4.pt"
SAME_BOX_PX, SAME_SCORE = 1.0, 1e-3


@pytest.fixture(scope="session")
def trained_for_a_moment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A torchvision detector after a few steps on a white square, saved as users save theirs."""
    torch = pytest.importorskip("torch", reason="needs roadwarden[train]")
    from roadwarden.models.torchvision import NETWORKS, build_network, save_checkpoint

    torch.manual_seed(0)
    card = ModelCard(
        name="square",
        classes=TRAINED_TYPES,
        input_size=320,
        head=Head.END_TO_END,
        taxonomy_version=TAXONOMY_VERSION,
        thresholds=dict.fromkeys(TRAINED_TYPES, 0.02),
        training_data="a white square",
        git_commit="test",
    )
    network = build_network(NETWORKS[0], len(TRAINED_TYPES)).train()
    picture = torch.full((3, 320, 320), 0.3)
    picture[:, 100:220, 80:240] = 0.9
    truth = {"boxes": torch.tensor([[80.0, 100.0, 240.0, 220.0]]), "labels": torch.tensor([4])}
    optimiser = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)
    for _ in range(6):
        loss = sum(network([picture, picture], [truth, truth]).values())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    place = tmp_path_factory.mktemp("torchvision") / "square.pth"
    save_checkpoint(network, NETWORKS[0], card, place)
    return place


@pytest.fixture(scope="session", params=["onnx", "ultralytics", "torchvision"])
def detector(request: pytest.FixtureRequest) -> Detector:
    if request.param == "onnx":
        return load_detector(shipped_model(), threads=1)
    if request.param == "ultralytics":
        pytest.importorskip("ultralytics", reason="needs roadwarden[train]")
        return load_detector(CHECKPOINT, threads=1)
    return load_detector(request.getfixturevalue("trained_for_a_moment"), threads=1)


@pytest.fixture(scope="session")
def frames(street: Path) -> list[np.ndarray]:
    return [cv2.imread(str(path)) for path in sorted((street / "frames").iterdir())[::4]]


def assert_sound(found: Detections, card: ModelCard, frame: np.ndarray) -> None:
    height, width = frame.shape[:2]
    assert (found.boxes_xyxy >= 0).all()
    assert (found.boxes_xyxy <= [width, height, width, height]).all()
    assert (found.boxes_xyxy[:, 2:] > found.boxes_xyxy[:, :2]).all()
    assert list(found.scores) == sorted(found.scores, reverse=True)
    for distress, score in zip(found.types, found.scores, strict=True):
        assert distress in card.classes
        assert card.thresholds[distress] <= score <= 1


def test_boxes_are_sound(detector, frames):
    for found, frame in zip(detector.detect(frames), frames, strict=True):
        assert_sound(found, detector.card, frame)


def test_an_answer_for_each_frame_whatever_its_shape(detector, frames):
    mixed = [frames[0], frames[1][:300, :200].copy(), frames[2][:64].copy()]
    answers = detector.detect(mixed)
    assert len(answers) == 3
    for found, frame in zip(answers, mixed, strict=True):
        assert_sound(found, detector.card, frame)


def test_a_batch_of_none_is_none(detector):
    assert detector.detect([]) == []


def test_a_batch_is_its_frames(detector, frames):
    together = detector.detect(frames[:3])
    for alone, found in zip((detector.detect([frame])[0] for frame in frames[:3]), together, strict=True):
        assert alone.types == found.types
        assert alone.boxes_xyxy == pytest.approx(found.boxes_xyxy, abs=0.1)


def test_the_shipped_model_sees_something_on_the_street(frames):
    assert sum(len(found) for found in load_detector(shipped_model()).detect(frames)) > 0


def test_onnx_and_ultralytics_agree_on_the_same_weights(frames):
    pytest.importorskip("ultralytics", reason="needs roadwarden[train]")
    assert_agree(frames)


def test_onnx_and_ultralytics_agree_on_real_roads(roads):
    pytest.importorskip("ultralytics", reason="needs roadwarden[train]")
    names = sorted((roads / "china_motorbike" / "images").iterdir())[:40:2]
    assert_agree([cv2.imread(str(name)) for name in names])


def assert_agree(frames: list[np.ndarray]) -> None:
    compared = 0
    ours, theirs = load_detector(shipped_model()), load_detector(CHECKPOINT)
    assert ours.card == theirs.card
    for one, other in zip(ours.detect(frames), theirs.detect(frames), strict=True):
        assert one.types == other.types
        assert one.scores == pytest.approx(other.scores, abs=SAME_SCORE)
        assert one.boxes_xyxy == pytest.approx(other.boxes_xyxy, abs=SAME_BOX_PX)
        compared += len(one)
    assert compared > 0


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("gone.onnx", None, "no such model file"),
        ("text.onnx", b"not a model", "not a model that ONNX Runtime can load"),
        ("gone.pth", None, "no such model file"),
        ("text.pth", b"not a model", "not a torch checkpoint"),
        ("text.pt", b"not a model", "not an Ultralytics checkpoint"),
        ("model.tflite", b"", "ends in one of .onnx, .pt, .pth"),
    ],
)
def test_what_is_no_model_says_so(tmp_path, name, content, words):
    if name.endswith((".pt", ".pth")):
        pytest.importorskip("ultralytics", reason="needs roadwarden[train]")
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=words):
        load_detector(tmp_path / name)


def test_an_onnx_file_of_someone_else_says_what_is_missing(tmp_path):
    onnx = pytest.importorskip("onnx", reason="needs roadwarden[train]")
    model = onnx.load(str(shipped_model()))
    del model.metadata_props[:]
    onnx.save(model, str(tmp_path / "foreign.onnx"))
    with pytest.raises(ModelError, match=r"carries no 'roadwarden' metadata .*thresholds"):
        load_detector(tmp_path / "foreign.onnx")


def test_the_shipped_weights_are_those_of_the_card():
    page = (REPOSITORY / "models" / "roadwarden-yolo26n-4.md").read_text(encoding="utf-8")
    assert sha256_of(shipped_model()) in page
    assert sha256_of(shipped_model(NumberFormat.INT8)) in page
    assert load_detector(shipped_model()).card.git_commit in page


def test_the_small_weights_are_asked_for_by_name():
    assert model_path("shipped:int8") == shipped_model(NumberFormat.INT8)
    assert model_path("shipped:fp32") == model_path(None)
    card = load_detector("shipped:int8").card
    assert card == load_detector(shipped_model()).card.model_copy(update={"precision": NumberFormat.INT8})
    with pytest.raises(ConfigError, match="no fp16 weights come with Roadwarden: there are fp32, int8"):
        model_path("shipped:fp16")
    with pytest.raises(ConfigError, match="shipped:tiny: a precision is one of fp32, int8"):
        model_path("shipped:tiny")


def test_running_needs_neither_torch_nor_ultralytics():
    code = (
        "import sys\n"
        "from roadwarden.models.load import load_detector, shipped_model\n"
        "load_detector(shipped_model())\n"
        "sys.exit(any(name in sys.modules for name in ('torch', 'ultralytics')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
