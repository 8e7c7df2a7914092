"""What the tests of the page share."""

import pytest
from matplotlib.figure import Figure

from reports import confusion_sections, page_pictures
from reports.contact_sheet import draw_sheet
from reports.svg import svg_of
from tests.helpers.report_fixtures import SHEET


@pytest.fixture
def _fast_plots(monkeypatch):
    """Pictures have their own tests; here a small one stands for each."""
    png, svg = draw_sheet(SHEET), svg_of(Figure((1, 1)))
    for name in ("plot_confusion", "plot_overview"):
        monkeypatch.setattr(confusion_sections, name, lambda *_, **__: png)
    monkeypatch.setattr(page_pictures, "svg_of", lambda _: svg)
