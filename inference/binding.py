"""One batch size of a graph, with its input and outputs kept on the device.

Source: https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html, "Using CUDA Graphs".
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from inference.runtime import ort

# The run option that says which captured CUDA graph is replayed; -1 captures none.
GRAPH_ID = "gpu_graph_id"
NO_GRAPH = "-1"


class BoundBatch:
    """Runs batches of one size through memory that does not move, which a captured CUDA graph requires."""

    def __init__(
        self, session: Any, name: str, images: np.ndarray, *, outputs: Mapping[str, np.ndarray], device: str
    ) -> None:
        """Take the memory; with CUDA graphs, the first run then captures one for this size.

        Args:
            name: The graph's input.
            images: A batch `(B, C, h, w)` float32 of this size.
            outputs: What the graph makes of it, for their shapes.
        """
        self._session = session
        self._input = ort.OrtValue.ortvalue_from_shape_and_type(images.shape, np.float32, device, 0)
        self._outputs = {
            output: ort.OrtValue.ortvalue_from_shape_and_type(value.shape, value.dtype.type, device, 0)
            for output, value in outputs.items()
        }
        self._binding = session.io_binding()
        self._binding.bind_ortvalue_input(name, self._input)
        for output, value in self._outputs.items():
            self._binding.bind_ortvalue_output(output, value)
        self._options = ort.RunOptions()
        self._options.add_run_config_entry(GRAPH_ID, str(len(images)))
        self.run(images)

    def run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """The outputs of a batch of just this size; copies, as the next run overwrites the memory."""
        self._input.update_inplace(np.ascontiguousarray(images))
        self._session.run_with_iobinding(self._binding, self._options)
        return {output: np.array(value.numpy()) for output, value in self._outputs.items()}
