"""The one ONNX Runtime session of a bundle's graph."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inference.errors import BundleError
from inference.runtime import ort

# The graph's names, the same for every method.
INPUT = "image"
OUTPUTS = ("score", "anomaly_map", "reconstruction")

_LEVELS = {
    "disable": ort.GraphOptimizationLevel.ORT_DISABLE_ALL,
    "basic": ort.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    "extended": ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    "all": ort.GraphOptimizationLevel.ORT_ENABLE_ALL,
}


@dataclass(frozen=True)
class GraphOutput:
    """What the graph says of a batch."""

    score: np.ndarray  # (B,)
    anomaly_map: np.ndarray  # (B, h, w)
    reconstruction: np.ndarray | None  # (B, C, h, w)

    @staticmethod
    def join(parts: Sequence["GraphOutput"]) -> "GraphOutput":
        """One output of several batches."""
        images = [part.reconstruction for part in parts if part.reconstruction is not None]
        return GraphOutput(
            np.concatenate([part.score for part in parts]),
            np.concatenate([part.anomaly_map for part in parts]),
            np.concatenate(images) if images else None,
        )


class Session:
    """A loaded graph on one device. `run` may be called from one thread at a time."""

    def __init__(
        self,
        model: Path,
        *,
        optimization_level: str = "all",
        providers: Sequence[str] = ("CPUExecutionProvider",),
        threads: int = 0,
    ) -> None:
        """Load the graph.

        Args:
            providers: In order of preference; those that ONNX Runtime cannot start here are passed over.
            threads: Threads of one `run`; 0 takes one for each core.

        Raises:
            BundleError: The file is no graph that ONNX Runtime can load, or has other inputs and outputs.
        """
        options = ort.SessionOptions()
        options.graph_optimization_level = _LEVELS[optimization_level]
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        # Several sessions on one machine fight for the cores when their idle threads spin.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        known = [name for name in providers if name in ort.get_available_providers()]
        try:
            self._session = ort.InferenceSession(model.read_bytes(), options, providers=known)
        except Exception as error:  # ONNX Runtime raises a dozen private types
            raise BundleError(f"ONNX Runtime cannot load {model.name}: {error}") from error
        self._outputs = [output.name for output in self._session.get_outputs()]
        if self._outputs[:2] != list(OUTPUTS[:2]) or self._session.get_inputs()[0].name != INPUT:
            found = ", ".join(self._outputs)
            raise BundleError(
                f"{model.name} must take {INPUT!r} and give {', '.join(OUTPUTS)}; it gives {found}"
            )

    @property
    def providers(self) -> list[str]:
        """The providers really in use, not those that were asked for."""
        return list(self._session.get_providers())

    @property
    def controls(self) -> list[str]:
        """The whole numbers that `run` can be given, such as steps or seed; each has a default."""
        return [value.name for value in self._session.get_overridable_initializers()]

    def run(self, images: np.ndarray, *, controls: Mapping[str, int] | None = None) -> GraphOutput:
        """Score a batch `(B, C, h, w)` float32.

        Raises:
            ValueError: One of the controls is not among the graph's.
        """
        given = {INPUT: images}
        for name, value in (controls or {}).items():
            if name not in self.controls:
                known = ", ".join(self.controls) or "none"
                raise ValueError(f"the graph has no control {name!r}; its controls: {known}")
            given[name] = np.array(value, np.int64)
        outputs = dict(zip(self._outputs, self._session.run(self._outputs, given), strict=True))
        anomaly_map = np.asarray(outputs["anomaly_map"])[:, 0]
        return GraphOutput(np.asarray(outputs["score"]), anomaly_map, outputs.get("reconstruction"))
