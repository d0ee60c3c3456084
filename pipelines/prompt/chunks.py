"""A prompt in chunks of 75 tokens, the length CLIP was trained on.

A text encoder reads each chunk alone, as 77 tokens with BOS and EOS; their states are then laid
end to end. A thought is not torn apart: where a chunk is full and a comma stands among its last
20 tokens, what follows that comma moves to the next chunk.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.prompt.attention import parse_attention
from pipelines.prompt.tokenizer import BOS, EOS, ClipTokenizer

CHUNK = 75
"""Tokens of the prompt in one chunk, at most."""
BACKTRACK = 20
"""How far from a chunk's end a comma may stand to be broken at."""

_COMMA = ",</w>"


@dataclass(frozen=True)
class Chunk:
    """Up to 75 token ids and as many weights, without BOS, EOS and padding."""

    ids: tuple[int, ...] = ()
    weights: tuple[float, ...] = ()

    def padded(self, pad: int) -> tuple[list[int], list[float]]:
        """What the encoder reads: 77 ids `[BOS, ids, EOS, pad...]` and 77 weights.

        `pad` is the family's padding token; BOS, EOS and padding weigh 1.
        """
        rest = CHUNK - len(self.ids)
        return (
            [BOS, *self.ids, EOS, *[pad] * rest],
            [1.0, *self.weights, 1.0, *[1.0] * rest],
        )


def chunk(text: str, tokenizer: ClipTokenizer) -> list[Chunk]:
    """The chunks of a prompt in the attention grammar; at least one, so that "" has its own."""
    filler = _Filler(tokenizer.id_of(_COMMA))
    for k, stretch in enumerate(parse_attention(text)):
        if k > 0:
            filler.flush()
        for words, weight in stretch:
            for token in tokenizer.encode(words):
                filler.add(token, weight)
    return filler.finish()


def even_out(a: list[Chunk], b: list[Chunk]) -> tuple[list[Chunk], list[Chunk]]:
    """Both prompts with as many chunks as the longer one has; the shorter gains empty chunks."""
    length = max(len(a), len(b))
    return (
        a + [Chunk()] * (length - len(a)),
        b + [Chunk()] * (length - len(b)),
    )


def count_tokens(text: str, tokenizer: ClipTokenizer) -> list[int]:
    """Number of tokens (0 to 75) in each chunk of a prompt, for a counter beside the box."""
    return [len(each.ids) for each in chunk(text, tokenizer)]


class _Filler:
    """Fills chunk after chunk with weighted tokens."""

    def __init__(self, comma: int) -> None:
        self._comma = comma
        self._chunks: list[Chunk] = []
        self._tokens: list[tuple[int, float]] = []
        self._last_comma: int | None = None  # its index in the present chunk

    def add(self, token: int, weight: float) -> None:
        if len(self._tokens) == CHUNK:
            self._overflow(token)
        if token == self._comma:
            self._last_comma = len(self._tokens)
        self._tokens.append((token, weight))

    def flush(self) -> None:
        """End the present chunk, even an empty one, and start another."""
        ids = tuple(token for token, _ in self._tokens)
        weights = tuple(weight for _, weight in self._tokens)
        self._chunks.append(Chunk(ids, weights))
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
        moved: list[tuple[int, float]] = []
        if token != self._comma and comma is not None and CHUNK - comma <= BACKTRACK:
            moved = self._tokens[comma + 1 :]
            self._tokens = self._tokens[: comma + 1]
        self.flush()
        self._tokens = moved
