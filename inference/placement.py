"""Where a graph runs, on how many threads, and what it keeps on the device between batches."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"
TENSORRT = "TensorrtExecutionProvider"

Binding = Literal["none", "io", "cuda_graph"]
"""A batch's input and outputs: new each time, kept on the device, or also replayed as one launch."""


@dataclass(frozen=True)
class Placement:
    """`providers` are in order of preference; `threads` are those of one run, 0 being ONNX Runtime's choice.

    `engine_cache` is the folder of TensorRT's engines, which take minutes to build.
    """

    providers: tuple[str, ...] = (CPU,)
    threads: int = 0
    binding: Binding = "none"
    engine_cache: Path | None = None

    def options_of(self, provider: str) -> dict[str, str]:
        """What the provider is told when a session starts.

        Sources: https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html and
        https://onnxruntime.ai/docs/execution-providers/TensorRT-ExecutionProvider.html.
        """
        if provider == CUDA and self.binding == "cuda_graph":
            return {"enable_cuda_graph": "1"}
        if provider == TENSORRT and self.engine_cache is not None:
            return {"trt_engine_cache_enable": "1", "trt_engine_cache_path": str(self.engine_cache)}
        return {}


def device_of(provider: str) -> str:
    """ONNX Runtime's name of the memory that a provider computes in."""
    return "cuda" if provider in {CUDA, TENSORRT} else "cpu"


def batch_sizes(most: int) -> tuple[int, ...]:
    """The sizes that batches are filled up to, ascending: powers of two, and `most` itself."""
    return (*(2**power for power in range((most - 1).bit_length())), most)
