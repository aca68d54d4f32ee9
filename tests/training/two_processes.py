"""Run by test_loop: trains in two processes on the CPU, and each writes the weights it ends with."""

import sys
from pathlib import Path

import torch
import torch.distributed

from tests.training.tiny import tiny_config
from training.fit import fit

if __name__ == "__main__":
    data, folder = Path(sys.argv[1]), Path(sys.argv[2])
    config = tiny_config(
        data,
        name="f_anogan",
        width=2,
        latent=4,
        gan_steps=5,
        encoder_steps=3,
        most_distance=99.0,
        least_diversity=0.0,
    )
    config = config.model_copy(update={"fit": config.fit.model_copy(update={"devices": 2})})
    method = fit(config, folder / "run", resume=False)
    weights = dict(method.named_parameters())
    torch.save(weights, folder / f"rank{torch.distributed.get_rank()}.pt")
