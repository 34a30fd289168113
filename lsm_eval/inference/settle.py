"""Waiting until a device has done what it was told: before a clock is read that is to tell one kind of work from the next."""

from __future__ import annotations


def settle(device: str) -> None:
    """Return once nothing is under way on a torch device; at once on a CPU, which does things as it is told."""
    if device.startswith("cuda"):
        import torch

        torch.cuda.synchronize(device)
    elif device.startswith("mps"):
        import torch

        torch.mps.synchronize()
