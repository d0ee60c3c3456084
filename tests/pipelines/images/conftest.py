from collections.abc import Iterator

import pytest

from pipelines.images import Door


@pytest.fixture(scope="session")
def door() -> Iterator[Door]:
    """A door whose process all tests share."""
    door = Door()
    yield door
    door.close()
