"""PyTorch's DataLoader, two worker processes, OpenCV's warp on cached arrays."""

import numpy as np
import torch

from benchmarks.rivals import BATCH, pictures


class Pictures(torch.utils.data.Dataset):
    """Channels last, as the others give them."""

    def __init__(self, data_dir: str, cached: bool):
        self.paths = pictures.files(data_dir)
        self.images = pictures.all_decoded(data_dir) if cached else None

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        picture = pictures.decoded(self.paths[index]) if self.images is None else self.images[index]
        seed = int(torch.randint(2**31, ()))
        return torch.from_numpy(pictures.augmented(picture, np.random.default_rng(seed)))


def batches(data_dir: str, cached: bool = True):
    """Epoch after epoch, with workers that stay."""
    loader = torch.utils.data.DataLoader(
        Pictures(data_dir, cached), BATCH, shuffle=True, num_workers=2, drop_last=True, persistent_workers=True
    )
    while True:
        yield from loader
