"""timm's train script (train.py of pytorch-image-models) with its own defaults, from its library: resnet18, SGD with
momentum 0.9, rate 0.05, weight decay 2e-5, cosine with 3 warm-up epochs, batch 128, random resized crops of 8 % to all
of a picture, flips, color jitter 0.4, label smoothing 0.1, 224 pixels.

The script's 300 epochs do not fit, so the cosine is planned for as many as do; the best validated epoch is taken, as
the script's own saver does.
"""

import torch
from timm.data import create_dataset, create_loader, resolve_data_config
from timm.loss import LabelSmoothingCrossEntropy
from timm.models import create_model
from timm.optim import create_optimizer_v2
from timm.scheduler import create_scheduler_v2

from benchmarks.accuracy.budget import arguments
from benchmarks.accuracy.torch_models import copied, epoch_seconds

BATCH, RATE, MOST_EPOCHS, WARMUP_EPOCHS, TIMED_BATCHES = 128, 0.05, 300, 3, 2


def main() -> None:
    """Trains, and scores the test folder in the end."""
    data_dir, _, budget = arguments()
    torch.manual_seed(42)
    model = create_model("resnet18", num_classes=2)
    config = resolve_data_config({}, model=model)
    train, validation, test = (_loader(data_dir, split, config) for split in ("train", "validation", "test"))
    plain = torch.nn.functional.cross_entropy
    epochs = budget.epochs(epoch_seconds(model, plain, train, validation, TIMED_BATCHES), MOST_EPOCHS)
    torch.manual_seed(42)
    model = create_model("resnet18", num_classes=2)
    optimizer = create_optimizer_v2(model, "sgd", lr=RATE, weight_decay=2e-5, momentum=0.9)
    scheduler, _ = create_scheduler_v2(optimizer, "cosine", epochs, warmup_epochs=min(WARMUP_EPOCHS, epochs - 1),
                                       warmup_lr=1e-5, min_lr=0.0)  # fmt: skip
    loss = LabelSmoothingCrossEntropy(0.1)
    for epoch in range(epochs):
        model.train()
        for images, labels in train:
            optimizer.zero_grad()
            loss(model(images), labels).backward()
            optimizer.step()
        scheduler.step(epoch + 1)
        budget.keep(_accuracy(model, validation), lambda: copied(model))

    def score(weights: dict) -> float:
        model.load_state_dict(weights)
        return _accuracy(model, test)

    budget.tell(score)


def _loader(data_dir, split: str, config: dict):
    training = split == "train"
    dataset = create_dataset("", root=str(data_dir), split=split, is_training=training, batch_size=BATCH)
    ours = {"scale": (0.08, 1.0), "ratio": (3 / 4, 4 / 3), "hflip": 0.5, "color_jitter": 0.4,
            "interpolation": "random"} if training else {"crop_pct": config["crop_pct"],
                                                         "interpolation": config["interpolation"]}  # fmt: skip
    return create_loader(
        dataset, config["input_size"], BATCH, is_training=training, use_prefetcher=False, mean=config["mean"],
        std=config["std"], num_workers=2, device=torch.device("cpu"), **ours,
    )  # fmt: skip


@torch.inference_mode()
def _accuracy(model, loader) -> float:
    model.eval()
    right = [(model(images).argmax(1) == labels).float() for images, labels in loader]
    return float(torch.cat(right).mean())


if __name__ == "__main__":
    main()
