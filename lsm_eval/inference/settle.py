"""Waits until a device has finished its work, so that times of different kinds of work can be told apart."""

from __future__ import annotations


def settle(device: str) -> None:
    """Returns when a torch device has finished all its work; at once on a CPU, which works synchronously."""
    if device.startswith("cuda"):
        import torch

        torch.cuda.synchronize(device)
    elif device.startswith("mps"):
        import torch

        torch.mps.synchronize()
