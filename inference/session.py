"""The one ONNX Runtime session of a bundle's graph."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inference.binding import GRAPH_ID, NO_GRAPH, BoundBatch
from inference.errors import BundleError, PlacementError
from inference.placement import CUDA, Placement, batch_sizes, device_of
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

_ANYWHERE = Placement()


@dataclass(frozen=True)
class GraphOutput:
    """What the graph says of a batch."""

    score: np.ndarray  # (B,)
    anomaly_map: np.ndarray  # (B, h, w)
    reconstruction: np.ndarray | None  # (B, C, h, w), or (B, 1, h, w) where one channel is enough

    def made(self, channel: int) -> np.ndarray | None:
        """A channel `(B, h, w)` of the reconstruction, or the only one that it has."""
        if self.reconstruction is None:
            return None
        made: np.ndarray = self.reconstruction[:, channel if self.reconstruction.shape[1] > 1 else 0]
        return made

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
        self, model: Path, *, optimization_level: str = "all", placement: Placement = _ANYWHERE
    ) -> None:
        """Load the graph.

        Args:
            placement: Of its providers, those that ONNX Runtime cannot start here are passed over.

        Raises:
            BundleError: The file is no graph that ONNX Runtime can load, or has other inputs and outputs.
            PlacementError: None of the providers can be started, or they cannot bind as asked.
        """
        options = ort.SessionOptions()
        options.graph_optimization_level = _LEVELS[optimization_level]
        options.intra_op_num_threads = placement.threads
        options.log_severity_level = 3
        # Several sessions on one machine fight for the cores when their idle threads spin.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        known = [name for name in placement.providers if name in ort.get_available_providers()]
        try:
            self._session = ort.InferenceSession(
                model.read_bytes(),
                options,
                providers=known,
                provider_options=[placement.options_of(name) for name in known],
            )
        except Exception as error:  # ONNX Runtime raises a dozen private types
            raise BundleError(f"ONNX Runtime cannot load {model.name}: {error}") from error
        _check_started(self.providers, placement)
        self._binding = placement.binding
        self._bound: dict[tuple[int, ...], BoundBatch] = {}
        self._sizes: tuple[int, ...] = ()
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
    def sizes(self) -> tuple[int, ...]:
        """The sizes that batches are filled up to, ascending; none where they run as they come."""
        return self._sizes

    @property
    def controls(self) -> list[str]:
        """The whole numbers that `run` can be given, such as steps or seed; each has a default."""
        return [value.name for value in self._session.get_overridable_initializers()]

    def run(self, images: np.ndarray, *, controls: Mapping[str, int] | None = None) -> GraphOutput:
        """Score a batch `(B, C, h, w)` float32.

        Raises:
            ValueError: One of the controls is not among the graph's.
        """
        fitting = [size for size in self._sizes if size >= len(images)]
        if not fitting or controls:
            return _output_of(self._run_once(images, controls or {}), len(images))
        # Batches are independent rows: what fills one up to a warmed size changes no score.
        filled = np.concatenate([images, np.zeros((fitting[0] - len(images), *images.shape[1:]), np.float32)])
        bound = self._bound.get(filled.shape)
        outputs = bound.run(filled) if bound is not None else self._run_once(filled, {})
        return _output_of(outputs, len(images))

    def warm(self, shape: tuple[int, int, int], *, most: int) -> None:
        """Run each size that batches of up to `most` images `(C, h, w)` are filled up to.

        A GPU chooses its kernels, and allocates, at the first batch of a size, which takes seconds. A
        processor does neither, and runs batches as they come.

        Raises:
            PlacementError: The device cannot keep or replay what was asked for.
        """
        device = device_of(self.providers[0])
        if device == "cpu" and self._binding == "none":
            return
        for size in batch_sizes(most):
            images = np.zeros((size, *shape), np.float32)
            outputs = self._run_once(images, {})
            if self._binding != "none":
                self._bound[images.shape] = self._bind(images, outputs, device)
        self._sizes = batch_sizes(most)

    def _bind(self, images: np.ndarray, outputs: Mapping[str, np.ndarray], device: str) -> BoundBatch:
        try:
            return BoundBatch(self._session, INPUT, images, outputs=outputs, device=device)
        except Exception as error:  # ONNX Runtime raises a dozen private types
            raise PlacementError(
                f"{self.providers[0]} cannot run this graph with binding {self._binding!r}: {error}; "
                "choose another binding"
            ) from error

    def _run_once(self, images: np.ndarray, controls: Mapping[str, int]) -> dict[str, np.ndarray]:
        given = {INPUT: images}
        for name, value in controls.items():
            if name not in self.controls:
                known = ", ".join(self.controls) or "none"
                raise ValueError(f"the graph has no control {name!r}; its controls: {known}")
            given[name] = np.array(value, np.int64)
        options = ort.RunOptions()
        options.add_run_config_entry(GRAPH_ID, NO_GRAPH)
        return dict(zip(self._outputs, self._session.run(self._outputs, given, options), strict=True))


def _check_started(started: Sequence[str], placement: Placement) -> None:
    """Hold what ONNX Runtime started, not what it says is available, against what was asked for."""
    if not set(started) & set(placement.providers):
        raise PlacementError(
            f"none of the providers {', '.join(placement.providers)} can be started here; ONNX Runtime "
            f"would run on {', '.join(started)}: install what they need, or name that one too"
        )
    if placement.binding == "cuda_graph" and started[0] != CUDA:
        raise PlacementError(
            f"the binding 'cuda_graph' needs {CUDA}, but {started[0]} runs here; choose 'none' or 'io'"
        )


def _output_of(outputs: Mapping[str, np.ndarray], count: int) -> GraphOutput:
    """The first `count` images of a batch."""
    found = {name: np.asarray(value)[:count] for name, value in outputs.items()}
    return GraphOutput(found["score"], found["anomaly_map"][:, 0], found.get("reconstruction"))
