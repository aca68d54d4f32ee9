"""ONNX Runtime, told before it starts to send nothing to anybody.

Since release 1.29 its wheels report sessions and the hashes of models to their maker unless this variable is
set before the library is loaded (https://github.com/microsoft/onnxruntime/pull/27379). Nothing may leave a
hospital's network unasked, so every use of the library goes through here.
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime as ort  # only after the variable is set

__all__ = ["ort"]
