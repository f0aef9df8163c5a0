"""The material that all tests of the training share; they name this plugin, so that no other test waits for torch."""

from __future__ import annotations

import pytest

from support.training_material import Folders, prepare


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    return prepare(tmp_path_factory.mktemp("training"))
