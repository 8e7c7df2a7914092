"""What TensorFlow says of bytes that it cannot decode, in one line that a person can read."""

import re

import tensorflow as tf

_MOST_LETTERS = 160


def reason_of(error: tf.errors.OpError) -> str:
    """Why a picture is refused: `words_of` the decoder's error."""
    return f"cannot be decoded: {words_of(error)}"


def words_of(error: tf.errors.OpError) -> str:
    """An operation's own words: without graph, node and operation names, in printable letters, at most 160 of them.

    An assertion of ours stands there as [part] [value] ...: its parts become one sentence.
    """
    # What follows the first tab names nodes; where the graph was saved, lines before the last tell of a stack trace.
    words = error.message.split("\n\t [[")[0].split("[Op:")[0].strip().split("\n")[-1]
    words = re.sub(r"\{\{.*?\}\}|^\s*\(\d+\) [A-Z_]+:", "", words).strip()
    if words.startswith("assertion failed: "):
        words = " ".join(re.findall(r"\[(.*?)\]", words)).replace(" ,", ",")
    return "".join(letter if letter.isprintable() else " " for letter in words[:_MOST_LETTERS])
