"""PyTorch's DataLoader from the files: OpenCV decodes, resizes and warps in two worker processes."""

from benchmarks.rivals import torch_loader


def batches(data_dir: str):
    """Decodes in every epoch."""
    return torch_loader.batches(data_dir, cached=False)
