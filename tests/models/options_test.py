import pytest

from base.errors import UserError
from base.options import leaves
from models.backbone_table import BACKBONES
from models.convolutional import RECIPES
from models.options import BACKBONE_NAMES, CONVOLUTIONAL_NAMES, MODEL_NAMES, ModelOptions
from models.zoo import FEATURES


def test_unknown_name_offers_the_nearest():
    with pytest.raises(UserError, match=r"unknown --model 'catdog2': did you mean 'catdog_2'\? \d+ are known; docs/"):
        ModelOptions("catdog2")
    with pytest.raises(UserError, match=r"did you mean 'efficientnet_v2_b0'\?"):
        ModelOptions("EfficientNetV2B0")


def test_every_name_has_a_builder():
    assert tuple(RECIPES) == CONVOLUTIONAL_NAMES
    assert tuple(BACKBONES) == BACKBONE_NAMES
    assert tuple(FEATURES) == MODEL_NAMES


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("catdog_2", {"dropout": 1.0}, "--dropout=1.0: it must be a fraction, from 0 to below 1"),
        ("catdog_2", {"dropout": -0.1}, "--dropout=-0.1: it must be a fraction"),
        ("catdog_2", {"dropout": float("nan")}, "--dropout=nan: it must be a fraction"),
        ("catdog_2", {"l2": -1.0}, "--l2=-1.0: it must be from 0 to 1"),
        ("catdog_2", {"l2": float("nan")}, "--l2=nan: it must be from 0 to 1"),
        ("catdog_2", {"units": 0}, "--units=0: it must be from 1 to 65536"),
        ("catdog_2", {"units": 10**9}, "--units=1000000000: it must be from 1 to 65536"),
        ("catdog_2", {"filters": (32, 10**20)}, "--filters=32,100000000000000000000: it must be from 1 to 65536"),
        ("catdog_2", {"filters": ()}, "--filters=: it must be one number or more, as in 32,64,64"),
        ("catdog_2", {"filters": [32, 0]}, "--filters=32,0: it must be from 1 to 65536"),
        ("catdog_2", {"weights": "imagenet"}, "--weights='imagenet': catdog_2 has no pretrained weights of that kind;"),
        ("catdog_2", {"blocks": 3}, "--blocks=3: catdog_2 has no stages of residual blocks; leave it out"),
        ("vgg16", {"blocks": 3}, "--blocks=3: vgg16 has no stages of residual blocks; leave it out"),
        ("residual_wide", {"blocks": 0}, "--blocks=0: it must be from 1 to 64"),
        ("net.py:build", {"filters": (3, 4)}, "--filters=3,4: build of net.py has fixed layers; leave it out"),
        ("net.py:build", {"units": 4}, "--units=4: build of net.py has no such layer; leave it out"),
        ("net.py:build", {"blocks": 4}, "--blocks=4: build of net.py has no stages of residual blocks; leave it out"),
        ("net.py:build", {"dropout": 0.5}, "--dropout=0.5: build of net.py has fixed layers; leave it out"),
        ("net.py:build", {"weights": "imagenet"}, "--weights='imagenet': build of net.py has no pretrained weights of"),
        ("net.py:build", {"weights": "preset"}, "--weights=preset: build of net.py is no preset of KerasHub; use none"),
        ("hub:vit", {"weights": "imagenet"}, "--weights='imagenet': hub:vit has no pretrained weights of that kind;"),
        ("hub:vit", {"filters": (3, 4)}, "--filters=3,4: hub:vit has fixed layers; leave it out"),
        ("hub:", {}, "unknown --model 'hub:'"),
        ("net.py", {}, "--model=net.py: name the function in it, as --model=net.py:build"),
        ("net.py:", {}, "--model=net.py:: name the function in it, as --model=net.py:build"),
        ("residual_small", {"units": 5}, "--units=5: residual_small has no such layer; leave it out"),
        ("densenet121", {"filters": (32, 64)}, "--filters=32,64: densenet121 has fixed layers; leave it out"),
        ("densenet121", {"weights": "weights.npz"}, "--weights='weights.npz': it must be none, imagenet, the path"),
    ],
)
def test_bad_values_are_refused_at_birth(name, settings, message):
    with pytest.raises(UserError) as caught:
        ModelOptions(name, **settings)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_every_option_is_a_flag_and_none_is_the_run_s_seed():
    names = [leaf.name for leaf in leaves(ModelOptions)]
    assert names == ["model", "weights", "filters", "blocks", "units", "dropout", "l2", "test_time_flip"]
    assert all(leaf.option.help for leaf in leaves(ModelOptions))
    assert ModelOptions().name == "residual_small"


def test_options_read_back_from_a_list_are_equal():
    assert ModelOptions("catdog_1", filters=[16, 32]) == ModelOptions("catdog_1", filters=(16, 32))
