"""Pieces of losses and scores that several methods share."""

import torch
from torch import Tensor


def mean_per_image(values: Tensor) -> Tensor:
    """Mean over everything but the batch axis, `(B,)`."""
    return values.flatten(1).mean(dim=1)


def top_mean_per_image(values: Tensor, fraction: float) -> Tensor:
    """Mean of the largest `fraction` of each image's values, `(B,)`."""
    flat = values.flatten(1)
    # `int`: a tracer hands out sizes as tensors, which cannot be rounded.
    count = max(1, round(fraction * int(flat.shape[1])))
    return torch.topk(flat, count, dim=1).values.mean(dim=1)
