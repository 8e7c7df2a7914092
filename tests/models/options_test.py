import pytest

from base.errors import UserError
from models.backbones import BACKBONES
from models.convolutional import RECIPES
from models.options import BACKBONE_NAMES, CONVOLUTIONAL_NAMES, MODEL_NAMES, ModelOptions
from models.zoo import FEATURES


def test_unknown_name_offers_the_nearest():
    with pytest.raises(UserError, match=r"unknown model 'catdog2': did you mean 'catdog_2'\? known: .*realsense_cnn"):
        ModelOptions("catdog2")


def test_every_name_has_a_builder():
    assert tuple(RECIPES) == CONVOLUTIONAL_NAMES
    assert tuple(BACKBONES) == BACKBONE_NAMES
    assert tuple(FEATURES) == MODEL_NAMES


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("catdog_2", {"dropout": 1.0}, "dropout is 1.0"),
        ("catdog_2", {"dropout": -0.1}, "dropout is -0.1"),
        ("catdog_2", {"l2": -1.0}, "l2 is -1.0"),
        ("catdog_2", {"l2": float("nan")}, "l2 is nan"),
        ("catdog_2", {"seed": -1}, "seed is -1"),
        ("catdog_2", {"units": 0}, "units is 0"),
        ("catdog_2", {"units": 10**9}, "units is 1000000000: it must be from 1 to 65536"),
        ("catdog_2", {"filters": (32, 10**20)}, "from 1 to 65536"),
        ("catdog_2", {"filters": ()}, r"filters is \(\)"),
        ("catdog_2", {"filters": (32, 0)}, r"filters is \(32, 0\)"),
        ("catdog_2", {"weights": "imagenet"}, "catdog_2 has no pretrained weights: use none"),
        ("residual_small", {"units": 64}, "units is 64, but residual_small has no such layer"),
        ("densenet121", {"filters": (32,)}, "densenet121 has fixed layers"),
        ("densenet121", {"weights": "weights.npz"}, "'weights.npz': it must be none, imagenet or the path"),
    ],
)
def test_bad_values_are_refused_at_birth(name, settings, message):
    with pytest.raises(UserError, match=message) as caught:
        ModelOptions(name, **settings)
    assert "\n" not in str(caught.value)


def test_options_read_back_from_a_list_are_equal():
    assert ModelOptions("catdog_1", filters=[16, 32]) == ModelOptions("catdog_1", filters=(16, 32))


def test_seeds_do_not_collide_between_runs_and_layers():
    paths = [f"block{position}_conv/kernel" for position in range(1, 5)]
    seeds = [ModelOptions("catdog_2", seed=seed).seed_for(path) for seed in range(50) for path in paths]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**31 for seed in seeds)
