"""docs/faults.md says what the tests of faults hold."""

from tests.helpers import fault_page


def test_the_page_of_faults_is_fresh():
    assert fault_page.PAGE.read_text() == fault_page.render(), "run `python -m tests.helpers.fault_page`"
