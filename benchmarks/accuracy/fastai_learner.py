"""fastai's way: `vision_learner` of resnet18 without weights, `aug_transforms`, `fit_one_cycle`, all its own defaults.

Pictures of 224 pixels, as in its tutorials (docs.fast.ai/tutorial.vision), batch 64, the learner's own rate of 1e-3.
One cycle is planned for as many epochs as fit; the best validated epoch is taken.
"""

from pathlib import Path

from fastai.vision.all import (
    Callback,
    ImageDataLoaders,
    Resize,
    accuracy,
    aug_transforms,
    resnet18,
    set_seed,
    vision_learner,
)

from benchmarks.accuracy.budget import Budget, arguments
from benchmarks.accuracy.torch_models import copied, epoch_seconds

SIDE, MOST_EPOCHS = 224, 300


class Keep(Callback):
    """Keeps the best weights."""

    order = 60  # after the recorder

    def __init__(self, budget: Budget):
        self.budget = budget

    def after_epoch(self):
        """See fastai."""
        self.budget.keep(float(self.recorder.values[-1][-1]), lambda: copied(self.learn.model))


def main() -> None:
    """Trains, and scores the test folder in the end."""
    data_dir, _, budget = arguments()
    set_seed(1)
    loaders = ImageDataLoaders.from_folder(
        Path(data_dir), train="train", valid="validation", item_tfms=Resize(SIDE), batch_tfms=aug_transforms(),
        num_workers=2,
    )  # fmt: skip
    timed = vision_learner(loaders, resnet18, pretrained=False, metrics=accuracy)
    epochs = budget.epochs(epoch_seconds(timed.model, timed.loss_func, loaders.train, loaders.valid), MOST_EPOCHS)
    # A new one: what was timed has moved the statistics of its BatchNorm.
    learner = vision_learner(loaders, resnet18, pretrained=False, metrics=accuracy, cbs=Keep(budget))
    files = sorted((Path(data_dir) / "test").glob("*/*"))
    labels = [loaders.vocab.o2i[path.parent.name] for path in files]

    def score(weights: dict) -> float:
        learner.model.load_state_dict(weights)
        rows, _ = learner.get_preds(dl=loaders.test_dl(files))
        return sum(int(row.argmax()) == label for row, label in zip(rows, labels, strict=True)) / len(files)

    with learner.no_bar(), learner.no_logging():
        learner.fit_one_cycle(epochs)
        learner.remove_cbs(learner.cbs.filter(lambda one: isinstance(one, Keep)))  # get_preds ends an epoch, too
        budget.tell(score)


if __name__ == "__main__":
    main()
