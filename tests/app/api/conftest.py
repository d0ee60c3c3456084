"""A client of the native API over the shared studio."""

import pytest
from fastapi.testclient import TestClient

from app.api.server import build_api


@pytest.fixture(scope="session")
def client(studio) -> TestClient:
    app = build_api(studio)
    base = f"http://127.0.0.1:{studio.settings.port}"
    return TestClient(app, base_url=base, raise_server_exceptions=False)
