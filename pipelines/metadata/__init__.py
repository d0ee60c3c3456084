"""Pictures on disk: what they carry besides pixels. Nothing else touches image text chunks.

One file per app whose words are read (`gesso`, `a1111`, `comfyui`, ...) and one for those that are
only recognised (`foreign`); one per container (`png`, `exif`); readers and a writer.
"""

from pipelines.metadata.found import Found, settings_of
from pipelines.metadata.reader import read_facts, read_infotext, read_recipe
from pipelines.metadata.writer import save

__all__ = [
    "Found",
    "read_facts",
    "read_infotext",
    "read_recipe",
    "save",
    "settings_of",
]
