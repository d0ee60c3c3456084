"""A studio without an engine, behind its guarded API: pictures come in by real requests."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from fastapi.testclient import TestClient

from app.settings import Settings
from app.studio.service import Studio
from tests.app.api.conftest import client_of


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def studio(home: Path) -> Iterator[Studio]:
    (home / "models").mkdir()
    studio = Studio(
        Settings(models=(home / "models",), outputs=home / "outputs", data=home / "data")
    )
    yield studio
    studio.close()


@pytest.fixture(scope="module")
def client(studio: Studio) -> TestClient:
    return client_of(studio)


@pytest.fixture(autouse=True)
def nothing_is_written_elsewhere(home: Path, studio: Studio) -> Iterator[None]:
    """After each test: nothing new but in the data folder, and nothing half-written there."""
    elsewhere = outside(home)
    yield
    assert outside(home) == elsewhere
    assets = home / "data" / "assets"
    kept = {file.name for file in assets.iterdir()} if assets.is_dir() else set()
    assert not {name for name in kept if name.startswith(".")}


def outside(home: Path) -> set[Path]:
    """Every file around the data folder, and in the folders a careless decoder would use."""
    folders = (Path.cwd(), home, home / "outputs", home / "models", Path.home())
    found = {file for folder in folders if folder.is_dir() for file in folder.iterdir()}
    return {file for file in found if ".cache" not in str(file)}


@pytest.fixture
def memory() -> Iterator[None]:
    """The serving process does not grow by more than 50 MB."""
    process = psutil.Process()
    before = process.memory_info().rss
    yield
    assert process.memory_info().rss - before < 50 * 2**20
