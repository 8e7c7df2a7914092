"""What a run took where an option leaves the choice to it."""

from jobs.run import Run
from pipeline.pixels import PackedPixels


def chosen_of(run: Run) -> dict[str, str | int]:
    """The values in force, by flag, of the options that leave something to the run: auto, 0, too large a batch."""
    pixel_format, hardware = run.data.pixels.pixel_format, run.hardware
    return {
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
