"""The report of a finished run, from the files of its folder."""

from jobs.report import draw_report, read_record
from records.run_folder import RunFolder
from tests.helpers.report_fixtures import Parsed
from tests.helpers.run_fixtures import finished_run, read_rows


def test_it_is_drawn_again_from_a_finished_runs_files_alone():
    folder = RunFolder(finished_run())
    old = Parsed(folder.report.path.read_text("utf-8"))
    new = Parsed(draw_report(read_record(folder)))
    assert "of the 2 x 2 places of layer 'block2_relu'" in old.words("attention")
    # What no file of the run holds: pixels.
    drawn = set(old.sections) - {"mistakes", "attention", "suspicious", "samples", "augmentation"}
    assert set(new.sections) == drawn
    # With them go their names in the navigation, which stands before the first section.
    assert {name: new.sections[name] for name in drawn - {""}} == {name: old.sections[name] for name in drawn - {""}}
    assert set(new.attributes("src")) <= set(old.attributes("src"))
    for row in read_rows(folder.path / "history.csv"):
        assert f"{float(row['loss']):.4f}" in new.sections["curves"]
    tested = len(read_rows(folder.path / "predictions_test.csv"))
    assert f"of {tested} test examples" in new.sections["confusion"]
    assert str(len(read_rows(folder.path / "split.csv"))) == new.words("data").split(" No two")[0].split()[-1]
    assert "square/broken.jpg" in new.sections["data"]
    assert "on_bad_image quarantine" in new.words("options")
