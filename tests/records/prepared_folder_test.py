"""prepare.py's files: each begins as is said of it, so that none of the user's is taken for one."""

import numpy as np

from records.prepared_folder import REPORT_BEGINNING, PreparedFolder
from records.run_folder import RunFolder
from records.tables import PredictionRow


def test_what_is_written_begins_as_is_said(tmp_path):
    folder = PreparedFolder(tmp_path)
    for table in (folder.split, folder.quarantine, folder.aside):
        table.write([])
    folder.probe.write({"dataset": "x", "accuracy": 0.5})
    folder.probe_predictions.write(["a", "b"], [PredictionRow("p", "a", "b", np.array([0.25, 0.75], np.float32))])
    folder.suspicious_labels.write([])
    folder.report.write(REPORT_BEGINNING + "</html>")
    beginnings = folder.beginnings | folder.more_beginnings
    written = {path.name for path in tmp_path.iterdir()}
    assert written == set(beginnings)
    assert written | {"samples.png", "augmented.png"} == set(folder.names(is_probed=True))
    probed = {"probe.json", "probe.csv", "suspicious_labels.csv"}
    assert set(folder.names(is_probed=False)) == set(folder.names(is_probed=True)) - probed
    assert set(folder.pictures) == {"samples.png", "augmented.png", "suspicious_labels.png"}
    for name, beginning in beginnings.items():
        assert (tmp_path / name).read_bytes().startswith(beginning)
        assert len(beginning) > 8
    assert folder.probe.read()["accuracy"] == 0.5


def test_a_runs_folder_is_known(tmp_path):
    assert not PreparedFolder(tmp_path).is_a_runs
    RunFolder(tmp_path).options.write({})
    assert PreparedFolder(tmp_path).is_a_runs
