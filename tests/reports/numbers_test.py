"""Numbers on the page: figures that people read, never a certainty that is none."""

import random
import re

import pytest

from reports import numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (True, "true"), (False, "false"), (0, "0"), (7, "7"), (1234567, "1,234,567"), (-1234, "-1,234"),
     (0.0, "0"), (20.0, "20"), (0.5, "0.5"), (0.001, "0.001"), (0.0001, "0.0001"), (0.03469215718, "0.03469"),
     (2.086162567138672e-07, "2.1 × 10⁻⁷"), (1e-5, "1 × 10⁻⁵"), (-3e-9, "-3 × 10⁻⁹"), (1880.31789, "1,880"),
     (123.456, "123.5"), (999.96, "1000"), (1e300, "1 × 10³⁰⁰"), (float("nan"), "not a number"),
     (float("inf"), "infinite"), (float("-inf"), "-infinite")],
)  # fmt: skip
def test_a_number_is_short(value, text):
    assert numbers.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.5, "0.5000"), (0.0, "0.0000"), (0.00456, "0.0046"), (0.0001, "0.0001"), (0.00002086, "2.1 × 10⁻⁵"),
     (16.118, "16.1180"), (7, "7"), (None, "–")],
)  # fmt: skip
def test_numbers_of_a_column_align_and_no_small_one_becomes_zero(value, text):
    assert numbers.number(value, 4) == text


def test_no_number_is_long_or_has_an_exponent():
    draws = random.Random(1)
    for _ in range(5000):
        value = draws.uniform(-1, 1) * 10 ** draws.uniform(-320, 300)
        for text in (numbers.number(value), numbers.number(value, 4)):
            assert len(text) <= 22, value
            assert re.fullmatch(r"-?[\d,]+(\.\d+)?( × 10⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)?", text), text
            assert value == 0 or re.search("[1-9]", text), value


@pytest.mark.parametrize(
    ("fraction", "decimals", "text"),
    [(0.5, 1, "50.0%"), (0.9999, 1, ">99.9%"), (0.0001, 1, "<0.1%"), (1.0, 1, "100.0%"), (0.0, 1, "0.0%"),
     (0.99999, 2, ">99.99%"), (None, 1, "–"), (0.997, 1, "99.7%"), (399 / 400, 0, ">99%"), (1 / 400, 0, "<1%")],
)  # fmt: skip
def test_percent_does_not_round_to_certainty(fraction, decimals, text):
    assert numbers.percent(fraction, decimals) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (12.4, "12 s"), (59.6, "0:01:00"), (3725.4, "1:02:05"), (90061, "1 day, 1:01:01")],
)
def test_durations(seconds, text):
    assert numbers.duration(seconds) == text


def test_dates_say_their_time_zone():
    assert numbers.date_and_time("2026-01-31T20:15:22+00:00") == "2026-01-31 20:15:22 UTC"
    assert numbers.date_and_time("2026-01-31T20:15:22+01:00") == "2026-01-31 20:15:22 UTC+01:00"
    assert numbers.date_and_time("2026-01-31T20:15:22") == "2026-01-31 20:15:22"
