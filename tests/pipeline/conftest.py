"""Folders of pictures, loaded."""

import pytest

from base.watch import SILENT
from pipeline import data
from pipeline.options import DataOptions
from pipeline.sources.folders import Catalog, catalog_of_folder


@pytest.fixture
def load(tmp_path):
    """load(root or catalog, **options) -> Data; the cache is tmp_path/cache."""

    def run(root, watch=SILENT, **changes):
        options, catalog = DataOptions(image_size=16, **changes), root
        if not isinstance(root, Catalog):
            catalog = catalog_of_folder(root)
        overview = data.look(catalog, options, tmp_path / "cache", 2, watch)
        return data.load(overview, options, tmp_path / "cache", 2, watch)

    return run
