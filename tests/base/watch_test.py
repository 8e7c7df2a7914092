"""A watch passes a wish to stop on, with the words for the user."""

import pytest

from base.signals import Stopped, StopRequest
from base.watch import SILENT, Watch


def test_a_watch_that_nobody_asked_to_stop_goes_through_all_parts():
    SILENT.check()
    assert SILENT.stop_asked == ""
    assert list(SILENT.each(range(3), "in the middle")) == [0, 1, 2]


def test_a_wish_to_stop_ends_the_work_where_it_is_asked_for():
    stop = StopRequest()
    watch, seen = Watch(stop), []

    def work():
        for part in watch.each(range(5), "in the middle"):
            seen.append(part)
            if part == 2:
                stop.signal_name = "SIGTERM"

    with pytest.raises(Stopped, match="SIGTERM: stopped in the middle"):
        work()
    assert seen == [0, 1, 2]
    assert watch.stop_asked == "SIGTERM"
    with pytest.raises(Stopped, match="SIGTERM: stopped before the first step"):
        watch.check()
