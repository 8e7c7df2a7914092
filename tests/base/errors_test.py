"""The user's errors name the value, what is known and the way out, in one line."""

import pytest

from base.errors import UserError, one_line, unknown_name


def test_the_nearest_name_is_offered():
    error = unknown_name("dataset", "catdgo", ("realsense", "catdog", "folder:PATH"), "use --dataset=folder:PATH")
    assert isinstance(error, UserError)
    expected = "unknown dataset 'catdgo': did you mean 'catdog'? known: catdog, folder:PATH, realsense; use"
    assert str(error).startswith(expected)


def test_capital_letters_do_not_hide_the_nearest_name():
    assert "did you mean 'sgd'?" in str(unknown_name("--optimizer", "SGD", ("adam", "sgd")))
    assert "did you mean 'ResNet'?" in str(unknown_name("model", "resnet", ("ResNet", "VGG")))


def test_a_name_like_no_other_gets_no_suggestion():
    text = str(unknown_name("model", "qqqq", ["small", "large"]))
    assert text == "unknown model 'qqqq': known: large, small"


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "\x1b[31m"])
def test_the_text_stays_one_line_whatever_the_value(value):
    text = str(unknown_name("dataset", value, ["catdog"]))
    assert len(text.splitlines()) == 1
    assert "\x1b" not in text


def test_a_thousand_known_names_are_counted_not_listed():
    names = [f"builder_{number:04d}" for number in range(1000)]
    text = str(unknown_name("TFDS builder", "bilder_0042", names))
    assert "did you mean 'builder_0042'?" in text
    assert "1000 are known" in text
    assert len(text) < 200


def test_a_name_for_a_terminal_is_one_line_of_text():
    assert one_line("Übung 日本.jpg".encode()) == "Übung 日本.jpg"
    assert one_line(b"caf\xe9\n\t\x1b\x7f.jpg") == r"caf\xe9\n\t\x1b\x7f.jpg"
    assert one_line("a\u2028b\x85".encode()) == r"a\u2028b\x85"
