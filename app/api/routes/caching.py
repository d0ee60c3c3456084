"""What a browser may keep."""

FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}
"""A picture never changes under its id."""

FRESH = {"Cache-Control": "no-store"}

BRIEFLY = {"Cache-Control": "private, max-age=300"}
"""What may be replaced one day."""
