"""What --train and the flags beside it come to for a model: what is refused, and what is said."""

from base.errors import UserError
from models.options import ModelOptions
from training.options import MOST_EPOCHS, TrainingOptions
from training.phases import ALL, HEAD, chosen_train, phases_of


def check_transfer(training: TrainingOptions, model: ModelOptions) -> None:
    """Raises UserError for what the model cannot do, and for a flag that would do nothing."""
    what = chosen_train(training, model.is_pretrained)
    shown = what if training.train == what else f"auto, which is {what} for {_begins(model)}"
    if what != "all" and not model.has_backbone:
        raise UserError(
            f"--train={what}: {model.shown} has no backbone below a head, so all of it learns; leave it out, or take "
            "a model of keras.applications, as docs/models.md lists them"
        )
    for name in ("head_epochs", "head_learning_rate"):
        value, plain = getattr(training, name), name.removeprefix("head_")
        if value is not None and what != "head_then_all":
            of_head = what == "head"
            fix = f"give --{plain}, which is the head's" if of_head else "leave it out, or say --train=head_then_all"
            raise UserError(f"--{name}={value:g}: with --train={shown}, it does nothing; {fix}")
    for name, value in _of_backbone(training).items():
        if not model.has_backbone:
            raise UserError(f"--{name}={value}: {model.shown} has no backbone; leave it out")
        if what == "head":
            raise UserError(f"--{name}={value}: with --train={shown} nothing of the backbone learns; leave it out")
    if training.backbone_batchnorm == "frozen" and model.weights == "none":
        raise UserError(
            "--backbone_batchnorm=frozen: without --weights the statistics are none that anything was learnt with; "
            "leave it out, or give --weights"
        )


def transfer_notes(training: TrainingOptions, model: ModelOptions) -> list[str]:
    """What of the flags is of little use."""
    flag = f"--train={training.train}" if training.train in ("head", "head_then_all") else ""
    if training.unfreeze_from:
        flag = f"--unfreeze_from={training.unfreeze_from}"
    if flag and model.weights == "none":
        return [f"{flag} without --weights: the backbone that stays as it is has random weights, and knows nothing"]
    return []


def train_words(training: TrainingOptions, model: ModelOptions) -> str:
    """What learns, for how long and at which rate, and why."""
    phases = phases_of(training, model.is_pretrained)
    why = f"auto: {_begins(model)}" if training.train == "auto" else "asked for"
    what = {HEAD: "the head alone, on features of pictures as they are, not augmented", ALL: "all, on pictures"}
    parts = [f"{_epochs(phase.options)} of {what[phase.name]}" for phase in phases]
    return f"{', then '.join(parts)} ({why})"


def _epochs(options: TrainingOptions) -> str:
    return "as many epochs as fit" if options.epochs == MOST_EPOCHS else f"{options.epochs} epochs"


def is_transfer(training: TrainingOptions, model: ModelOptions) -> bool:
    """Whether something that was learnt before is learnt on, or a part of the model learns in its own way."""
    return model.is_pretrained or chosen_train(training, model.is_pretrained) != "all" or bool(_of_backbone(training))


def _begins(model: ModelOptions) -> str:
    return f"{model.shown} with{'' if model.is_pretrained else 'out'} pretrained weights"


def _of_backbone(training: TrainingOptions) -> dict[str, object]:
    """The flags that say how a backbone learns, where they say something."""
    plain = TrainingOptions()
    names = ("unfreeze_from", "backbone_rate_factor", "backbone_batchnorm")
    return {name: getattr(training, name) for name in names if getattr(training, name) != getattr(plain, name)}
