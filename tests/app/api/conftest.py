"""A client of the native API over the shared studio."""

import pytest
from fastapi.testclient import TestClient

from app.api.events import EventStreams
from app.api.guard import Guard
from app.api.server import build_api
from app.studio.service import Studio


def client_of(studio: Studio) -> TestClient:
    """A client of a studio's guarded API."""
    port = studio.settings.port
    app = Guard(build_api(studio, EventStreams(studio)), studio.settings)
    return TestClient(app, base_url=f"http://127.0.0.1:{port}", raise_server_exceptions=False)


@pytest.fixture(scope="session")
def client(studio) -> TestClient:
    return client_of(studio)
