"""Watch: work ends where somebody has asked to stop."""

import os
import signal

import pytest

from base.signals import Stopped, listen
from base.watch import Watch


def test_parts_end_where_somebody_asks_to_stop():
    seen = []

    def work(stop):
        for part in Watch(stop).each(range(9), "while counting"):
            seen.append(part)
            if part == 3:
                os.kill(os.getpid(), signal.SIGINT)

    with listen() as stop, pytest.raises(Stopped, match=r"^SIGINT: stopped while counting$"):
        work(stop)
    assert seen == [0, 1, 2, 3]
