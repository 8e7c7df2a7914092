"""A watch knows of a signal that comes after it was made."""

import signal

import pytest

from base.signals import Stopped, listen
from base.watch import Watch


def test_a_signal_that_comes_later_is_seen():
    with listen() as stop:
        watch = Watch(stop)
        watch.check("before")
        assert watch.stop_asked == ""
        signal.raise_signal(signal.SIGTERM)
        assert watch.stop_asked == "SIGTERM"
        with pytest.raises(Stopped, match=r"^SIGTERM: stopped in validation$"):
            watch.check("in validation")


def test_nobody_asks_a_watch_without_a_request():
    Watch().check("ever")
    assert Watch().stop_asked == ""
