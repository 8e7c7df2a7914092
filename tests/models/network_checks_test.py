"""What a user's own network must be, and each refusal in one line that names the fix."""

import pytest

from base.errors import UserError
from models.layers import Layers
from models.network_file import NetworkFile
from models.options import ModelOptions
from models.own_network import check_network

HEAD = """import keras, numpy as np, tensorflow as tf
from keras import layers as L

def small(x, units):
    return L.Dense(units)(L.GlobalAveragePooling2D()(L.Conv2D(4, 3)(x)))

def build(num_classes, pixel_shape):
    image = keras.Input(pixel_shape)
"""
RANDOM = """
class Noise(L.Layer):
    def __init__(self):
        super().__init__()
        {before}
    def call(self, x, training=False):
        return x + {noise} if training else x
"""


def said_of(folder, text: str, classes: int = 3, shape=(16, 16, 3)) -> str:
    (folder / "net.py").write_text(text)
    file = NetworkFile(folder / "net.py", "build")
    try:
        check_network(file, Layers(ModelOptions(f"{file.path}:build"), 1), classes, shape)
    except UserError as error:
        text = str(error)
    else:
        return ""
    assert text.startswith(f"--model={folder / 'net.py'}:build: ")
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("pass", "it returns nothing; return the keras.Model"),
        ("return small(image, num_classes)", "it returns a keras.src"),
        ("return keras.Model([image, keras.Input((3,))], small(image, num_classes))", "has 2 inputs and 1 outputs"),
        ("return keras.Model(image, [small(image, num_classes), image])", "has 1 inputs and 2 outputs"),
        ("image = keras.Input((32, 32, 3)); return keras.Model(image, small(image, num_classes))",
         "takes float32 [batch, 32, 32, 3]; it is fed float32 [batch, 16, 16, 3] in 0 to 1"),
        ("image = keras.Input((768,)); return keras.Model(image, L.Dense(num_classes)(image))", "[batch, 768]"),
        ("image = keras.Input(pixel_shape, dtype='uint8'); return keras.Model(image, small(L.Rescaling(1/255)(image),"
         " num_classes))", "takes uint8"),
        ("return keras.Model(image, small(image, 7))", "gives [batch, 7] for 3 classes; it must give [batch, 3]"),
        ("return keras.Model(image, small(image, 1))", "gives [batch, 1] for 3 classes"),
        ("return keras.Model(image, L.Conv2D(num_classes, 3)(image))", "gives [batch, 14, 14, 3]"),
        ("x = small(image, num_classes); return keras.Model(image, L.Softmax()(x))", "gives probabilities (softmax)"),
        ("x = small(image, num_classes); return keras.Model(image, L.Activation('sigmoid')(x))", "(sigmoid); it must"),
        ("x = L.Lambda(lambda y: tf.nn.softmax(y))(small(image, num_classes)); return keras.Model(image, x)", "(soft"),
        ("return keras.Model(image, keras.ops.softmax(small(image, num_classes)))", "leave the last activation out"),
        ("x = keras.ops.exp(small(image, num_classes)); return keras.Model(image, x / keras.ops.sum(x, -1, True))",
         "(its numbers sum to 1)"),
        ("return keras.Model(image, small(L.Rescaling(1 / 255)(image), num_classes))", "'rescaling', is meant for pix"),
        ("x = L.Normalization(mean=[120, 110, 100], variance=[9, 9, 9])(image);"
         " return keras.Model(image, small(x, num_classes))", "'normalization', is meant for pixels up to 255"),
        ("return keras.Model(image, L.GlobalAveragePooling2D()(image))", "no variable that training changes"),
        ("return keras.Model(image, small(tf.zeros_like(image), num_classes))", "line 9 raises ValueError: "),
        ("return keras.Model(image, small(image, num_classes).no_such)", "line 9 raises AttributeError"),
        ("x = L.Lambda(lambda y: tf.ensure_shape(tf.numpy_function(np.sin, [y], tf.float32), (None, 16, 16, 3)),"
         " output_shape=pixel_shape)(image); return keras.Model(image, small(x, num_classes))", "cannot be exported"),
    ],
)  # fmt: skip
def test_each_mistake_is_one_line_with_the_fix(body, said, tmp_path):
    assert said in said_of(tmp_path, HEAD + f"    {body}\n")


@pytest.mark.parametrize(
    ("body", "classes"),
    [
        ("return keras.Model(image, small(image, 1))", 2),
        ("return keras.Model(image, small(image, 2))", 2),
        ("image = keras.Input((None, None, 3)); return keras.Model(image, small(image, num_classes))", 3),
        ("return keras.Model(image, keras.ops.log_softmax(small(image, num_classes)))", 3),
        ("return keras.Model(image, small(L.Rescaling(2.0, -1.0)(image), num_classes))", 3),
        ("return keras.Model(image, small(L.Rescaling(1 / 255)(L.Rescaling(255.0)(image)), num_classes))", 3),
        ("return keras.Model(image, small(L.Dense(3, activation='softmax')(image), num_classes))", 3),
        ("image = keras.Input(pixel_shape, batch_size=4); return keras.Model(image, small(image, num_classes))", 3),
        ("return keras.Model({'x': image}, {'y': small(image, num_classes)})", 3),
        ("return keras.Sequential([L.Flatten(), L.Dense(num_classes)])", 3),
    ],
)  # fmt: skip
def test_what_is_right_passes(body, classes, tmp_path):
    assert said_of(tmp_path, HEAD + f"    {body}\n", classes) == ""


@pytest.mark.parametrize(
    ("before", "noise", "said"),
    [
        ("pass", "keras.random.normal((16, 16, 3))", "1 variables that the model uses are none of its own"),
        ("self.state = tf.Variable(1.0)", "self.state", "1 variables that the model uses are none of its own"),
        ("pass", "tf.random.normal((16, 16, 3))", "draws by tf.random (RandomStandardNormal)"),
        ("pass", "tf.map_fn(lambda one: tf.random.uniform((16, 16, 3)), tf.range(2.0))[0]", "(RandomUniform)"),
        ("self.seed_generator = keras.random.SeedGenerator()", "keras.random.normal((16, 16, 3),"
         " seed=self.seed_generator)", ""),
        ("self.factor = self.add_weight(shape=())", "self.factor", ""),
    ],
)  # fmt: skip
def test_what_no_checkpoint_holds_is_refused(before, noise, said, tmp_path):
    text = HEAD.replace("def build", RANDOM.format(before=before, noise=noise) + "\ndef build")
    found = said_of(tmp_path, text + "    return keras.Model(image, small(Noise()(image), num_classes))\n")
    assert said in found if said else not found


def test_the_range_inside_a_network_of_keras_is_noticed(tmp_path):
    body = "    base = keras.applications.MobileNetV3Small(pixel_shape, weights=None, include_top=False)\n"
    text = HEAD + body + "    return keras.Model(image, small(base({fed}), num_classes))\n"
    shape = (32, 32, 3)
    text = text.replace("L.Conv2D(4, 3)(x)", "x")
    assert "'rescaling', is meant for pixels up to 255" in said_of(tmp_path, text.format(fed="image"), shape=shape)


@pytest.mark.parametrize(
    ("before", "named"),
    [
        ("self.factor = self.add_weight(shape=(), name='factor', initializer=lambda shape, dtype:"
         " tf.constant(np.random.default_rng().normal(), dtype))", "noise/factor"),
        ("import time; self.factor = self.add_weight(shape=(), name=f'factor_{time.time_ns()}')", "noise/factor_"),
    ],
)  # fmt: skip
def test_a_network_that_is_another_one_each_time_is_refused(before, named, tmp_path):
    text = HEAD.replace("def build", RANDOM.format(before=before, noise="self.factor") + "\ndef build")
    found = said_of(tmp_path, text + "    return keras.Model(image, small(Noise()(image), num_classes))\n")
    assert f"{named}" in found
    assert "is another one each time that the function is called: give your own generators a fixed seed" in found
