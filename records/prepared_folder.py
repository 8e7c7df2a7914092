"""PreparedFolder: the door to what prepare.py leaves behind, its names and formats."""

from pathlib import Path

from records.run_folder import JSON, TEXT, RunFile, RunFolder
from records.tables import LABEL_ISSUES, PREDICTIONS, QUARANTINE, SPLIT

# How the tables begin of which it cannot be told otherwise whose they are.
_PROBE_BEGINNING = b'{\n  "dataset":'
_PREDICTIONS_BEGINNING = b"path,label,prediction,"
REPORT_BEGINNING = '<!DOCTYPE html>\n<html lang="en" class="prepared">'


class PreparedFolder:
    """The folder of --out_dir; the tables of the split and of refusals are as a run has them."""

    def __init__(self, path: Path):
        """Nothing is read or made."""
        self.path, run = path, RunFolder(path)
        self.is_a_runs = run.has_begun
        self.split, self.quarantine, self.aside = run.split, run.quarantine, run.aside
        self.samples, self.augmented = path / "samples.png", path / "augmented.png"
        self.probe = RunFile(path / "probe.json", JSON)  # plain values
        self.probe_predictions = RunFile(path / "probe.csv", PREDICTIONS)  # the class names, then a row an example
        self.suspicious_labels = run.suspicious_labels
        self.suspicious_sheet = path / "suspicious_labels.png"  # where there are such
        self.report = RunFile(path / "data_report.html", TEXT)

    @property
    def beginnings(self) -> dict[str, bytes]:
        """Name -> how it begins, of the tables that are always there."""
        tables = {one.path.name: QUARANTINE.beginning for one in (self.quarantine, self.aside)}
        return tables | {self.split.path.name: SPLIT.beginning}

    @property
    def more_beginnings(self) -> dict[str, bytes]:
        """The same of files that may be missing where the tables are."""
        return {
            self.report.path.name: REPORT_BEGINNING.encode(),
            self.probe.path.name: _PROBE_BEGINNING,
            self.probe_predictions.path.name: _PREDICTIONS_BEGINNING,
            self.suspicious_labels.path.name: LABEL_ISSUES.beginning,
        }

    @property
    def pictures(self) -> tuple[str, ...]:
        """The names of all that are written, of which nothing tells whose they are."""
        return self.samples.name, self.augmented.name, self.suspicious_sheet.name

    def names(self, is_probed: bool) -> list[str]:
        """Of all that is always written, with a probe or without."""
        names = [*self.beginnings, self.samples.name, self.augmented.name, self.report.path.name]
        probed = (self.probe, self.probe_predictions, self.suspicious_labels)
        return names + [one.path.name for one in probed if is_probed]
