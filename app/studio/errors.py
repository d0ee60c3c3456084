"""What can go wrong around the engine; leaves of `pipelines.errors.StudioError`."""

from __future__ import annotations

from pipelines.errors import StudioError


class NotFound(StudioError):
    """No job or picture of that id."""


class NameTaken(StudioError):
    """Something else has that name."""


class PortInUse(StudioError):
    """Another program listens on the port."""


class DataInUse(StudioError):
    """Another Gesso works with the same data folder."""
