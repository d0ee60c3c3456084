"""Pictures on disk: what they carry besides pixels. Nothing else touches image text chunks.

One file per app whose words are read (`gesso`, `a1111`), one per container (`png`), one reader,
one writer.
"""

from pipelines.metadata.reader import read_facts, read_infotext, read_recipe
from pipelines.metadata.writer import free_path, save

__all__ = ["free_path", "read_facts", "read_infotext", "read_recipe", "save"]
