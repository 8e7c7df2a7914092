"""Folds: each example is tested once, classes are dealt alike, copies stay together, and each run's splits follow."""

import numpy as np
import pytest

from base.errors import UserError
from pipeline.options import DataOptions
from pipeline.sources.folds import Fold, check_folds, draw_folds
from pipeline.sources.splits import make_splits, split_notes, train_on_validation
from tests.pipeline.sources.splits_test import NONE, code_of, make_manifest


def folds_of(manifest, count, seed=1, **more):
    """Split name by example, of each fold."""
    return [code_of(manifest, make_splits(manifest, NONE, None, seed, fold=Fold(number, count), **more))
            for number in range(1, count + 1)]  # fmt: skip


def drawn(labels, count, seed=1, copies=None):
    """`draw_folds`; `copies` are contents by example."""
    contents = np.arange(len(labels)) if copies is None else np.asarray(copies)
    digests = np.stack([np.random.default_rng(int(one)).integers(0, 256, 32, np.uint8) for one in contents])
    groups = np.unique(contents, return_inverse=True)[1]
    return draw_folds(np.asarray(labels), groups, digests, count, seed)


@pytest.mark.parametrize("count", [2, 3, 5, 10])
@pytest.mark.parametrize("sizes", [(40, 40), (33, 7, 101), (10, 11, 12, 13, 14), (2, 3, 90)])
def test_each_example_is_tested_once_and_no_fold_has_more_than_one_example_more(sizes, count):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    splits = folds_of(make_manifest(labels), count)
    tested = np.stack([codes == "test" for codes in splits])
    assert (tested.sum(axis=0) == 1).all()
    assert all((codes != "").all() for codes in splits)
    for members in [labels == label for label in np.unique(labels)] + [np.ones(len(labels), bool)]:
        examples = [int(np.sum(fold & members)) for fold in tested]
        assert max(examples) - min(examples) <= 1


def test_validation_is_drawn_from_the_others_in_each_class_as_without_folds():
    labels = np.repeat([0, 1], [100, 50])
    for codes in folds_of(make_manifest(labels), 5):
        for label, size in enumerate([100, 50]):
            parts = [int(np.sum((codes == split) & (labels == label))) for split in ("train", "validation", "test")]
            assert parts == [size * 6 // 10, size * 2 // 10, size * 2 // 10]  # three quarters and one of four fifths


def test_the_first_two_fractions_share_what_a_fold_leaves():
    manifest = make_manifest([0] * 100 + [1] * 100)
    splits = make_splits(manifest, NONE, (0.5, 0.5, 0.0), 1, fold=Fold(2, 5))
    assert splits.counts(manifest) == {"train": [40, 40], "validation": [40, 40], "test": [20, 20]}


@pytest.mark.parametrize("seed", range(8))
def test_copies_are_in_one_split_of_every_fold(seed):
    contents = np.random.default_rng(seed).integers(0, 60, 160)
    manifest = make_manifest([0] * 80 + [1] * 80, contents=contents)
    for codes in folds_of(manifest, 4, seed):
        for content in np.unique(contents):
            assert len(set(codes[contents == content])) == 1
        assert {"train", "validation", "test"} == set(codes)


def test_many_copies_leave_the_folds_as_equal_as_they_can_be():
    folds = drawn([0] * 90, 3, copies=[0] * 20 + [1] * 20 + [2] * 20 + [*range(3, 33)])
    assert np.bincount(folds)[1:].tolist() == [30, 30, 30]
    assert len({*folds[[0, 20, 40]]}) == 3


def test_the_seed_decides_names_do_not_and_neither_do_the_other_folds():
    labels, contents = [0] * 60 + [1] * 60, np.arange(120)
    first, again, other = (drawn(labels, 4, seed) for seed in (1, 1, 2))
    assert (first == again).all()
    assert 0.1 < (first == other).mean() < 0.45  # a quarter agrees by chance
    moved = np.concatenate([np.random.default_rng(0).permutation(60), 60 + np.random.default_rng(1).permutation(60)])
    assert (drawn(labels, 4, copies=contents[moved]) == first[moved]).all()


def test_refused_examples_are_in_no_split_of_any_fold():
    manifest, refused = make_manifest([0] * 20 + [1] * 20), np.array([0, 7, 39])
    for number in (1, 2, 3):
        splits = make_splits(manifest, refused, None, 1, fold=Fold(number, 3))
        assert set(np.flatnonzero(code_of(manifest, splits) == "")) == set(refused)


def test_a_test_split_of_the_data_is_kept_apart_and_the_others_are_one_pool():
    manifest = make_manifest([0] * 25 + [1] * 25, given=("t" * 15 + "v" * 5 + "e" * 5) * 2)
    splits = folds_of(manifest, 4)
    assert all(set(np.flatnonzero(codes == "")) == {*range(20, 25), *range(45, 50)} for codes in splits)
    tested = np.stack([codes == "test" for codes in splits]).sum(axis=0)
    assert (tested == np.array(([1] * 20 + [0] * 5) * 2)).all()
    assert {code for codes in splits for code in codes[15:20]} == {"train", "validation", "test"}
    notes = "\n".join(split_notes(make_splits(manifest, NONE, None, 1, fold=Fold(2, 4)), manifest, asked=False))
    assert "test: fold 2 of 4, 10 of 40 pictures; validation: " in notes
    assert "drawn from the train and validation splits of the data together" in notes
    assert "the test split of the data, 10 pictures, is kept apart" in notes


def test_nothing_is_said_of_splits_that_the_data_does_not_name():
    manifest = make_manifest([0] * 20 + [1] * 20)
    notes = split_notes(make_splits(manifest, NONE, (0.75, 0.25, 0.0), 1, fold=Fold(1, 2)), manifest, asked=True)
    assert notes == ["test: fold 1 of 2, 20 of 40 pictures; validation: 4, drawn from the other folds"]


def test_full_training_of_a_fold_trains_on_all_other_folds():
    manifest = make_manifest([0] * 20 + [1] * 20)
    splits = train_on_validation(make_splits(manifest, NONE, None, 1, fold=Fold(1, 4)))
    assert {name: len(ids) for name, ids in splits.ids.items()} == {"train": 30, "validation": 0, "test": 10}


def test_a_class_in_one_fold_alone_is_refused_in_every_fold():
    manifest = make_manifest([0] * 9 + [1] * 2, contents=[*range(9), 50, 50], class_names=("cats", "dogs"))
    for number in (1, 2, 3):
        with pytest.raises(UserError, match=r"--folds=3: class 'dogs' has less than two different pictures"):
            make_splits(manifest, NONE, None, 1, fold=Fold(number, 3))


def test_more_folds_than_pictures_are_refused():
    folds = drawn([0, 0, 1, 1], 5)
    with pytest.raises(UserError, match=r"--folds=5: there are only 4 different pictures to test"):
        check_folds(folds, np.array([0, 0, 1, 1]), 5, ("a", "b"))
    check_folds(drawn([0, 0, 1, 1], 4), np.array([0, 0, 1, 1]), 4, ("a", "b"))


def test_an_unused_class_number_leads_to_no_fold():
    assert sorted(drawn([0] * 5, 5)) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"folds": 1}, "--folds=1: it must be from 2 on"),
        ({"fold": 2}, "--fold=2: of how many? give --folds too"),
        ({"folds": 3, "fold": 4}, "--fold=4: there are --folds=3"),
        ({"folds": 101}, "--folds=101: it must be from 0 to 100"),
        ({"folds": 5, "fold": 1, "split_fractions": (0.6, 0.2, 0.2)}, "--split_fractions=0.6,0.2,0.2: with --folds=5"),
    ],
)
def test_folds_that_cannot_be_are_refused(given, said):
    with pytest.raises(UserError) as refused:
        DataOptions(**given)
    assert said in str(refused.value)


def test_one_fold_is_asked_for_wherever_one_is_looked_at():
    assert DataOptions().fold_to_test is None
    assert DataOptions(folds=5, fold=2).fold_to_test == Fold(2, 5)
    assert str(Fold(2, 5)) == "fold 2 of 5"
    assert DataOptions(folds=5, fold=2, split_fractions=(0.75, 0.25, 0.0)).folds == 5
    with pytest.raises(UserError, match=r"--folds=5: this looks at one of them: name it, from --fold=1 to 5"):
        _ = DataOptions(folds=5).fold_to_test
