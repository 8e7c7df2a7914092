"""What the tests of the page share."""

import pytest

from reports import calibration_section, confusion_sections, history_section, ranking_section
from reports.contact_sheet import draw_sheet
from tests.helpers.report_fixtures import SHEET


@pytest.fixture
def _fast_plots(monkeypatch):
    """Pictures have their own tests; here a small one stands for each."""
    png = draw_sheet(SHEET)
    plots = {history_section: ["plot_history"], confusion_sections: ["plot_confusion", "plot_overview"],
             ranking_section: ["plot_roc", "plot_precision_recall"],
             calibration_section: ["plot_reliability", "plot_abstention"]}  # fmt: skip
    for module, names in plots.items():
        for name in names:
            monkeypatch.setattr(module, name, lambda *_, **__: png)
