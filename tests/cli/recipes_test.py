"""The recipes under configs/: each is a run that train.py takes, says what it is and stands in docs/recipes.md."""

import pytest
from absl import flags

from cli import flagfile, train
from cli.flags import options_of
from jobs.options import resolve
from tests.helpers.run_fixtures import ROOT

RECIPES = sorted((ROOT / "configs").glob("*.flags"))


def options_from(path, *more: str):
    """What train.py makes of a flagfile, and of flags after it."""
    values = flags.FlagValues()
    train.define_flags(values)
    values(["train.py", *flagfile.expand([f"--flagfile={path}", *more])])
    return options_of(values)


@pytest.mark.parametrize("path", RECIPES, ids=[path.stem for path in RECIPES])
def test_a_recipe_is_a_run_that_says_what_it_is(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert path.read_text().startswith("# ")
    options = options_from(path)
    # Nobody's folders: where pictures and weights are, the user says.
    assert options.data.data_dir == ""
    assert options.model.weights in ("none", "imagenet")
    assert options_from(path, "--dataset=folder:mine").data.dataset == f"folder:{tmp_path / 'mine'}"
    assert f"configs/{path.name}" in (ROOT / "docs" / "recipes.md").read_text()


@pytest.mark.parametrize(("name", "dataset"), [("catdog_report", "catdog"), ("realsense", "realsense")])
def test_the_reports_recipes_are_what_the_presets_are(name, dataset):
    assert options_from(ROOT / "configs" / f"{name}.flags") == resolve(dataset, {})
