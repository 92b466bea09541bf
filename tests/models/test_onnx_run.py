"""Batches in few shapes and bound memory give what plain runs give; the order of devices is a rule."""

from __future__ import annotations

import numpy as np
import pytest

from roadwarden.models.load import shipped_model
from roadwarden.models.onnx import chosen_providers, open_session
from roadwarden.models.onnx_run import Runner, bucket_of


class Session:
    """Doubles what it is given, and notes the shapes."""

    def __init__(self, provider="CPUExecutionProvider"):
        self.sizes, self._provider = [], provider

    def get_providers(self):
        return [self._provider]

    def get_inputs(self):
        return [type("Node", (), {"name": "images"})]

    def get_outputs(self):
        return [type("Node", (), {"name": "out"})]

    def run(self, names, feeds):
        self.sizes.append(len(feeds["images"]))
        return [feeds["images"] * 2]


def test_a_batch_is_filled_up_to_its_bucket_and_the_filling_is_taken_off():
    session = Session()
    run = Runner(session, bound=False, buckets=(1, 2, 4))
    for size in (1, 2, 3, 4, 5, 9):
        batch = np.arange(size, dtype=np.float32).reshape(size, 1)
        assert np.array_equal(run(batch), batch * 2)
    assert session.sizes == [1, 2, 4, 4, 4, 1, 4, 4, 1]


def test_on_a_cpu_every_batch_goes_as_it_is():
    session = Session()
    Runner(session)(np.zeros((3, 1), np.float32))
    assert session.sizes == [3]


@pytest.mark.parametrize(("size", "bucket"), [(1, 1), (3, 4), (32, 32), (40, 32)])
def test_the_smallest_bucket_that_holds_it(size, bucket):
    assert bucket_of(size, (1, 2, 4, 8, 16, 32)) == bucket


def test_bound_memory_and_buckets_change_nothing_of_the_shipped_model():
    session = open_session(shipped_model(), threads=1)
    shape = [64 if isinstance(side, str) else side for side in session.get_inputs()[0].shape]
    batch = np.random.default_rng(1).random((3, *shape[1:]), np.float32)
    batch = batch if batch.shape[2] >= 64 else np.random.default_rng(1).random((3, 3, 416, 416), np.float32)
    plain = Runner(session, bound=False, buckets=())(batch)
    for bound, buckets in ((True, ()), (False, (1, 2, 4)), (True, (4,))):
        assert np.allclose(Runner(session, bound=bound, buckets=buckets)(batch), plain, atol=1e-3)


def test_the_best_device_goes_first_and_tensorrt_only_where_it_is_asked_for():
    offered = ["CPUExecutionProvider", "CUDAExecutionProvider", "TensorrtExecutionProvider"]
    assert chosen_providers(offered) == ["CUDAExecutionProvider", "CPUExecutionProvider"]
    assert chosen_providers(offered, tensorrt=True)[0] == "TensorrtExecutionProvider"
    assert chosen_providers(["CPUExecutionProvider"], tensorrt=True) == ["CPUExecutionProvider"]
