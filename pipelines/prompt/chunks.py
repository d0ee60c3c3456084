"""A prompt in chunks of 75 tokens, the length CLIP was trained on.

A text encoder reads each chunk alone, as 77 tokens with BOS and EOS; their states are then laid
end to end. A thought is not torn apart: where a chunk is full and a comma stands among its last
20 tokens, what follows that comma moves to the next chunk. The vectors of an embedding, which
stand where its word stood, stay in one chunk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from pipelines.prompt.attention import parse_attention
from pipelines.prompt.networks import parse_networks, words_in
from pipelines.prompt.tokenizer import BOS, EOS, ClipTokenizer

CHUNK = 75
"""Tokens of the prompt in one chunk, at most."""
BACKTRACK = 20
"""How far from a chunk's end a comma may stand to be broken at."""

_COMMA = ",</w>"
_PLACEHOLDER = 0
"""The id where a vector of an embedding stands: any but EOS, at which the pooled one is taken."""
_SUFFIXES = ("safetensors", "sft", "pt", "bin", "pth", "ckpt")


class Place(NamedTuple):
    """Where an embedding's first vector stands in a chunk, 0 to 74, and the embedding's word."""

    start: int
    word: str


@dataclass(frozen=True)
class Chunk:
    """Up to 75 token ids and as many weights, without BOS, EOS and padding, and where vectors of
    embeddings take the place of the ids' own."""

    ids: tuple[int, ...] = ()
    weights: tuple[float, ...] = ()
    places: tuple[Place, ...] = ()

    def padded(self, pad: int) -> tuple[list[int], list[float]]:
        """What the encoder reads: 77 ids `[BOS, ids, EOS, pad...]` and 77 weights.

        `pad` is the family's padding token; BOS, EOS and padding weigh 1.
        """
        rest = CHUNK - len(self.ids)
        return (
            [BOS, *self.ids, EOS, *[pad] * rest],
            [1.0, *self.weights, 1.0, *[1.0] * rest],
        )


def chunk(
    text: str, tokenizer: ClipTokenizer, words: Mapping[str, int] | None = None
) -> list[Chunk]:
    """The chunks of a prompt in the attention grammar; at least one, so that "" has its own.

    `words` are those of the embeddings that may stand in it, with the number of their vectors,
    1 to 75. Which tags a prompt has must be read before: here they are text.
    """
    vectors = words or {}
    filler = _Filler(tokenizer.id_of(_COMMA))
    for k, stretch in enumerate(parse_attention(text)):
        if k > 0:
            filler.flush()
        for part, weight in stretch:
            for plain, word in _pieces(part, vectors):
                for id_ in tokenizer.encode(plain):
                    filler.add(_Token(id_, weight))
                if word is not None:
                    rest = [_Token(_PLACEHOLDER, weight)] * (vectors[word] - 1)
                    filler.add(_Token(_PLACEHOLDER, weight, word), *rest)
    return filler.finish()


def even_out(a: list[Chunk], b: list[Chunk]) -> tuple[list[Chunk], list[Chunk]]:
    """Both prompts with as many chunks as the longer one has; the shorter gains empty chunks."""
    length = max(len(a), len(b))
    return (
        a + [Chunk()] * (length - len(a)),
        b + [Chunk()] * (length - len(b)),
    )


def count_tokens(
    text: str, tokenizer: ClipTokenizer, words: Mapping[str, int] | None = None
) -> list[int]:
    """Number of tokens (0 to 75) in each chunk of a prompt as it is written, for a counter beside
    the box: its tags count nothing, an embedding as many as it has vectors."""
    return [len(each.ids) for each in chunk(parse_networks(text).text, tokenizer, words)]


def word_of(name: str) -> str:
    """The word by which prompts mean an embedding of that name: its last part, without the
    extension that a name has where two files would share it."""
    last = name.rpartition("/")[2]
    stem, dot, suffix = last.rpartition(".")
    return stem if dot and stem and suffix.lower() in _SUFFIXES else last


def named_words(text: str, words: Iterable[str]) -> list[str]:
    """Which of these words stand in a prompt where `chunk` finds them, each once, in order."""
    known = tuple(words)
    parts = [part.text for stretch in parse_attention(text) for part in stretch]
    return list(dict.fromkeys(word for part in parts for *_, word in words_in(part, known)))


def _pieces(text: str, words: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    """The text cut behind each embedding's word: what stands before the word, and the word; last
    what stands behind them all, and None."""
    position = 0
    for start, end, word in words_in(text, words):
        yield text[position:start], word
        position = end
    yield text[position:], None


class _Token(NamedTuple):
    id: int
    weight: float
    word: str | None = None
    """The embedding's word whose first vector stands here."""


class _Filler:
    """Fills chunk after chunk with weighted tokens."""

    def __init__(self, comma: int) -> None:
        self._comma = comma
        self._chunks: list[Chunk] = []
        self._tokens: list[_Token] = []
        self._last_comma: int | None = None  # its index in the present chunk

    def add(self, *group: _Token) -> None:
        """Add one token, or the vectors of an embedding, which stay together."""
        if len(self._tokens) == CHUNK:
            self._overflow(group[0].id)
        if len(self._tokens) + len(group) > CHUNK:
            self.flush()
        if group[0].id == self._comma:
            self._last_comma = len(self._tokens)
        self._tokens.extend(group)

    def flush(self) -> None:
        """End the present chunk, even an empty one, and start another."""
        ids = tuple(token.id for token in self._tokens)
        weights = tuple(token.weight for token in self._tokens)
        places = tuple(
            Place(start, token.word)
            for start, token in enumerate(self._tokens)
            if token.word is not None
        )
        self._chunks.append(Chunk(ids, weights, places))
        self._tokens = []
        self._last_comma = None

    def finish(self) -> list[Chunk]:
        if self._tokens or not self._chunks:
            self.flush()
        return self._chunks

    def _overflow(self, token: int) -> None:
        """The chunk is full: flush it, taking what follows a late comma along.

        A comma that itself comes next ends the thought, so nothing moves.
        """
        comma = self._last_comma
        moved: list[_Token] = []
        if token != self._comma and comma is not None and CHUNK - comma <= BACKTRACK:
            moved = self._tokens[comma + 1 :]
            self._tokens = self._tokens[: comma + 1]
        self.flush()
        self._tokens = moved
