"""What a run took where an option leaves the choice to it."""

from jobs.run import Run
from pipeline.pixels import PackedPixels
from training.phases import chosen_train, keeps_statistics


def chosen_of(run: Run) -> dict[str, str | int]:
    """The values in force, by flag, of the options that leave something to the run: auto, 0, too large a batch."""
    pixel_format, hardware = run.data.pixels.pixel_format, run.hardware
    return _transfer(run) | {
        "threads": run.options.threads,
        "color_mode": "grayscale" if pixel_format.channels == 1 else "rgb",
        "resize": pixel_format.resize,
        "bit_depth": str(pixel_format.bit_depth),
        "full_scale": pixel_format.full_scale,
        "cache": "pack" if isinstance(run.data.train_pixels, PackedPixels) else "none",
        "global_batch_size": run.global_batch_size,
        "precision": hardware.policy,
        "strategy": "mirrored" if hardware.is_mirrored else "none",
        "replicas": hardware.replicas,
        "augment_on": run.augments_on[0],
    }


def _transfer(run: Run) -> dict[str, str | int | float]:
    training, model = run.options.training, run.options.model
    values = {"train": chosen_train(training, model.is_pretrained)}
    if len(run.phases) > 1:
        head = run.phases[0].options
        values |= {"head_epochs": head.epochs, "head_learning_rate": head.learning_rate}
    if model.has_backbone and values["train"] != "head":
        keeps = keeps_statistics(training, model.is_pretrained)
        values["backbone_batchnorm"] = "frozen" if keeps else "train"
    return values
