"""How a batch goes through an ONNX session: on a CPU as it is; on a graphics card bound, and in few shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Batch = npt.NDArray[np.float32]

GPU_BUCKETS = (1, 2, 4, 8, 16, 32)
"""Batch sizes that a card ever sees: for each new shape cuDNN searches its kernels, and TensorRT builds anew."""
GPU_PROVIDERS = frozenset({"TensorrtExecutionProvider", "CUDAExecutionProvider"})


def bucket_of(size: int, buckets: Sequence[int]) -> int:
    """The smallest bucket that holds a batch, or the largest where none does."""
    return next((one for one in sorted(buckets) if one >= size), max(buckets))


class Runner:
    """Runs batches of one session. ``buckets`` empty: every batch in its own shape."""

    def __init__(self, session: Any, *, bound: bool | None = None, buckets: Sequence[int] | None = None) -> None:
        """Left open, both are what suits the session's first provider."""
        on_gpu = session.get_providers()[0] in GPU_PROVIDERS
        self._session = session
        self._input, self._output = session.get_inputs()[0].name, session.get_outputs()[0].name
        self._bound = on_gpu if bound is None else bound
        self._buckets = tuple((GPU_BUCKETS if on_gpu else ()) if buckets is None else buckets)

    def __call__(self, batch: Batch) -> npt.NDArray[Any]:
        """The network's output for each picture of the batch, in order."""
        if not self._buckets:
            return self._run(batch)
        largest = max(self._buckets)
        parts = [self._padded(batch[first : first + largest]) for first in range(0, len(batch), largest)]
        return np.concatenate(parts) if len(parts) != 1 else parts[0]

    def _padded(self, batch: Batch) -> npt.NDArray[Any]:
        short = bucket_of(len(batch), self._buckets) - len(batch)
        filled = np.concatenate([batch, np.repeat(batch[-1:], short, axis=0)]) if short else batch
        return self._run(filled)[: len(batch)]

    def _run(self, batch: Batch) -> npt.NDArray[Any]:
        if not self._bound:
            (outputs,) = self._session.run([self._output], {self._input: batch})
            return np.asarray(outputs)
        binding = self._session.io_binding()
        binding.bind_cpu_input(self._input, batch)
        binding.bind_output(self._output)
        self._session.run_with_iobinding(binding)
        return np.asarray(binding.copy_outputs_to_cpu()[0])
