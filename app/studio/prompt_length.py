"""How long a prompt is for the model: its tokens, and for an embedding its vectors."""

from __future__ import annotations

import contextlib

from pipelines.catalog import Catalog, Checkpoint
from pipelines.errors import ModelFileError, StudioError
from pipelines.library.entry import Entry
from pipelines.library.header import Header, read_header
from pipelines.library.pickle_header import read_pickle_header
from pipelines.prompt.chunks import CHUNK, count_tokens, named_words, word_of
from pipelines.prompt.tokenizer import tokenizer


def prompt_length(prompt: str, checkpoint: str | None, catalog: Catalog) -> list[int]:
    """Tokens in each chunk of a prompt, with the embeddings that go with a checkpoint; where none
    is named, or one that is not there, with all."""
    chosen: Checkpoint | None = None
    if checkpoint:
        with contextlib.suppress(StudioError):
            chosen = catalog.checkpoint(checkpoint)
    entries = [model.entry for model in catalog.models("embedding")]
    named = set(named_words(prompt, [word_of(entry.name) for entry in entries]))
    words: dict[str, int] = {}
    for entry in entries:
        word = word_of(entry.name)
        if word in named and (chosen is None or catalog.why_not(entry, chosen) is None):
            count = _vectors(entry)
            if 0 < count <= CHUNK:
                words.setdefault(word, count)
    return count_tokens(prompt, tokenizer(), words)


def _vectors(entry: Entry) -> int:
    """How many vectors an embedding has, by its header; 0 where that cannot be read now."""
    try:
        header = (read_pickle_header if entry.pickled else read_header)(entry.path)
    except ModelFileError:
        return 0
    return _rows(header)


def _rows(header: Header) -> int:
    """Of two text encoders' vectors there are equally many; an id beside them has no dimension."""
    shapes = [info.shape for info in header.tensors.values() if info.shape]
    return max((shape[0] if len(shape) > 1 else 1 for shape in shapes), default=0)
