"""The decoder's words, whatever stands around them."""

import pytest
import tensorflow as tf

from pipeline.decoding.reasons import reason_of, words_of

NODE = "\n\t [[{{function_node cond_true_1}}{{node cond/DecodePng}}]] [Op:__inference_f_3]"
ASSERTED = "assertion failed: [a picture of] [9] [x] [8] [pixels in] [7] [bytes, that is]"
SENTENCE = "a picture of 9 x 8 pixels in 7 bytes, that is"
SAVED = "Graph execution error:\n\nDetected at node map/while/Assert defined at (most recent call last):\n"


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("{{function_node __inference_f_3}} Invalid PNG data, size 72" + NODE, "Invalid PNG data, size 72"),
        ("{{function_node __inference_f_3}} " + ASSERTED + NODE, SENTENCE),
        (SAVED + "<stack traces unavailable>\n" + ASSERTED + NODE, SENTENCE),
        ("2 root error(s) found.\n  (0) INVALID_ARGUMENT:  " + ASSERTED + NODE + "\n  (1) " + ASSERTED, SENTENCE),
        ("assertion failed: [a BMP of] [30] [bits] [, compressed]" + NODE, "a BMP of 30 bits, compressed"),
        ("Invalid GIF data [Op:DecodeGif] name:", "Invalid GIF data"),
        ("one\ttab and \x1b[31mcolor" + NODE, "one tab and  [31mcolor"),
        ("x" * 500 + NODE, "x" * 160),
    ],
)
def test_what_stands_around_the_words_is_left_out(message, words):
    error = tf.errors.InvalidArgumentError(None, None, message)
    assert words_of(error) == words
    assert reason_of(error) == f"cannot be decoded: {words}"
