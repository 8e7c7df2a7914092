"""--train and the flags beside it: what is refused with which words, and what is said."""

import pytest

from base.errors import UserError
from jobs.options import notes_on, resolve
from jobs.transfer import is_transfer, train_words

PRETRAINED = {"model": "mobilenet_v2", "weights": "imagenet"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"model": "catdog_2", "train": "head"}, "--train=head: catdog_2 has no backbone below a head"),
        ({"model": "catdog_2", "train": "head_then_all"}, "--train=head_then_all: catdog_2 has no backbone"),
        ({"model": "catdog_2", "unfreeze_from": "block1"}, "--unfreeze_from=block1: catdog_2 has no backbone; leave"),
        ({"head_epochs": 3}, "--head_epochs=3: with --train=auto, which is all for residual_small without pretrained "
         "weights, it does nothing; leave it out, or say --train=head_then_all"),
        (PRETRAINED | {"train": "head", "head_epochs": 3}, "--head_epochs=3: with --train=head, it does nothing; give "
         "--epochs, which is the head's"),
        (PRETRAINED | {"train": "head", "head_learning_rate": 0.5}, "--head_learning_rate=0.5: with --train=head, it "
         "does nothing; give --learning_rate, which is the head's"),
        (PRETRAINED | {"train": "all", "head_learning_rate": 0.5}, "--head_learning_rate=0.5: with --train=all, it "),
        (PRETRAINED | {"train": "head", "unfreeze_from": "0.5"}, "--unfreeze_from=0.5: with --train=head nothing of "
         "the backbone learns; leave it out"),
        (PRETRAINED | {"train": "head", "backbone_rate_factor": 0.5}, "--backbone_rate_factor=0.5: with --train=head "),
        (PRETRAINED | {"train": "head", "backbone_batchnorm": "train"}, "--backbone_batchnorm=train: with --train="),
        ({"model": "mobilenet_v2", "backbone_batchnorm": "frozen"}, "--backbone_batchnorm=frozen: without --weights"),
        ({"train": "heads"}, "unknown --train 'heads': did you mean 'head'?"),
        ({"backbone_rate_factor": 2.0}, "--backbone_rate_factor=2.0: it must be from 1e-06 to 1"),
        ({"head_epochs": 0}, "--head_epochs=0: it must be from 1 to"),
    ],
)  # fmt: skip
def test_what_would_do_nothing_is_refused(given, words):
    with pytest.raises(UserError) as caught:
        resolve("folder:here", given)
    assert str(caught.value).startswith(words)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [
        PRETRAINED | {"head_epochs": 3, "head_learning_rate": 0.5, "unfreeze_from": "0.5", "backbone_rate_factor": 0.1},
        PRETRAINED | {"train": "head_then_all", "head_epochs": 3, "backbone_batchnorm": "train"},
        PRETRAINED | {"train": "all", "unfreeze_from": "block_13"},
        {"model": "residual_small", "weights": "/a/run", "train": "head"},
        {"model": "residual_small", "weights": "/a/run", "backbone_batchnorm": "frozen"},
        {"model": "catdog_2", "train": "all"},
    ],
)
def test_what_does_something_is_taken(given):
    options = resolve("folder:here", given).by_flag()
    assert {name: options[name] for name in given} == given


@pytest.mark.parametrize(
    ("given", "flag"),
    [
        ({"model": "mobilenet_v2", "train": "head"}, "--train=head"),
        ({"model": "mobilenet_v2", "train": "head_then_all"}, "--train=head_then_all"),
        ({"model": "mobilenet_v2", "unfreeze_from": "0.5"}, "--unfreeze_from=0.5"),
        (PRETRAINED | {"train": "head"}, ""),
        ({"model": "mobilenet_v2"}, ""),
    ],
)
def test_random_weights_that_stay_are_said(given, flag):
    notes = [line for line in notes_on(resolve("folder:here", given)) if "random weights" in line]
    assert notes == ([f"note        {flag} without --weights: the backbone that stays as it is has random weights, and "
                      "knows nothing"] if flag else [])  # fmt: skip


def test_what_learns_is_said_with_why():
    def words(given: dict) -> str:
        options = resolve("folder:here", {"epochs": 6} | given)
        return train_words(options.training, options.model)

    of_head = "epochs of the head alone, on features of pictures as they are, not augmented"
    assert words({}) == "6 epochs of all, on pictures (auto: residual_small without pretrained weights)"
    assert words(PRETRAINED | {"head_epochs": 4}) == (
        f"4 {of_head}, then 6 epochs of all, on pictures (auto: mobilenet_v2 with pretrained weights)"
    )
    assert words(PRETRAINED | {"train": "head"}) == f"6 {of_head} (asked for)"


def test_an_ordinary_run_is_no_transfer():
    for given, expected in (
        ({}, False),
        (PRETRAINED, True),
        ({"unfreeze_from": "0.5"}, True),
        ({"train": "head"}, True),
    ):
        options = resolve("folder:here", given)
        assert is_transfer(options.training, options.model) is expected
