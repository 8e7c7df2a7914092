"""PyTorch's way, as a rival: eager, bfloat16 autocast, channels_last, a DataLoader of two workers on cached pictures.

python -m benchmarks.programs.torch_way DATA_DIR EPOCHS prints the seconds of each epoch. The workers warp with OpenCV,
as the warm line's DataLoader does, and stay between epochs.
"""

import sys
import time

import numpy as np
import torch
from torch import nn

from benchmarks.rivals import BATCH, SIZE, pictures

LEARNING_RATE = 1e-4


class LabelledPictures(torch.utils.data.Dataset):
    """Decoded pictures with their labels, augmented when they are asked for."""

    def __init__(self, data_dir: str):
        files = pictures.files(data_dir)
        names = sorted({path.split("/")[-2] for path in files})
        self.images = pictures.all_decoded(data_dir)
        self.labels = [float(names.index(path.split("/")[-2])) for path in files]

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, float]:
        """Float32 [3, SIZE, SIZE], a view that lies channels last in memory; and the label."""
        generator = np.random.default_rng(int(torch.randint(2**31, ())))
        picture = torch.from_numpy(pictures.augmented(self.images[index], generator))
        return picture.permute(2, 0, 1), self.labels[index]


def build_model() -> nn.Sequential:
    """catdog_2; the head gives a logit."""
    blocks, channels = [], 3
    for filters in (32, 64, 64, 64):
        blocks += [nn.Conv2d(channels, filters, 3), nn.ReLU(), nn.MaxPool2d(2)]
        channels = filters
    side = SIZE
    for _ in range(4):
        side = (side - 2) // 2
    head = [nn.Flatten(), nn.Linear(channels * side * side, 248), nn.ReLU(), nn.Dropout(0.2), nn.Linear(248, 1)]
    return nn.Sequential(*blocks, *head).to(memory_format=torch.channels_last)


def train_epoch(model: nn.Module, optimizer: torch.optim.Optimizer, loader) -> float:
    """One pass; the mean of the batches' losses, which also waits for the last step."""
    losses = []
    for images, labels in loader:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = model(images.contiguous(memory_format=torch.channels_last)).squeeze(1)
        loss = nn.functional.binary_cross_entropy_with_logits(logits.float(), labels.float())
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return float(torch.stack(losses).mean())


def main(data_dir: str, epochs: int) -> None:
    """Trains, and prints a figure an epoch."""
    torch.manual_seed(1)
    loader = torch.utils.data.DataLoader(
        LabelledPictures(data_dir), BATCH, shuffle=True, num_workers=2, persistent_workers=True
    )
    model = build_model().train()
    optimizer = torch.optim.Adam(model.parameters(), LEARNING_RATE)
    for _ in range(epochs):
        began = time.perf_counter()
        train_epoch(model, optimizer, loader)
        print(f"epoch_seconds {time.perf_counter() - began:.4f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
