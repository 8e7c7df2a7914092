"""What the tests of the page share."""

import pytest

from reports import page, predicted
from reports.contact_sheet import draw_sheet
from tests.helpers.report_fixtures import SHEET


@pytest.fixture
def _fast_plots(monkeypatch):
    """Pictures have their own tests; here a small one stands for each."""
    png = draw_sheet(SHEET)
    monkeypatch.setattr(page, "plot_curves", lambda *_, **__: png)
    monkeypatch.setattr(predicted, "plot_confusion", lambda *_, **__: png)
