"""CLIP's byte-pair tokenizer (Radford et al. 2021), which every SD text encoder reads.

The vocabulary is OpenAI's list of merges as the open_clip package carries it; the package itself
is found but not imported. Ids equal those of transformers' CLIPTokenizer.
"""

from __future__ import annotations

import gzip
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import BPE

from pipelines.errors import ModelFileError

BOS = 49406
"""Id that starts every chunk."""
EOS = 49407
"""Id that ends every chunk; its hidden state is the pooled one."""

_SPECIAL = ["<|startoftext|>", "<|endoftext|>"]
_WORD_END = "</w>"
_MERGES = EOS + 1 - len(_SPECIAL) - 2 * 256
_VOCABULARY = "bpe_simple_vocab_16e6.txt.gz"
_WORDS = r"<\|(?:start|end)oftext\|>|'(?:s|t|re|ve|m|ll|d)|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+"


class ClipTokenizer:
    """Text to token ids. Safe to share between threads."""

    def __init__(self, vocabulary: Path) -> None:
        merges = _read_merges(vocabulary)
        letters = _byte_letters()
        words = [
            *letters,
            *(letter + _WORD_END for letter in letters),
            *(left + right for left, right in merges),
            *_SPECIAL,
        ]
        self._ids = {word: id_ for id_, word in enumerate(words)}
        self._words = words
        self._bpe = _build(self._ids, merges)

    def encode(self, text: str) -> list[int]:
        """Token ids (0 to 49407) of any text, without BOS and EOS around it."""
        sound = text.encode("utf-8", "replace").decode()  # half an emoji is no Unicode
        return self._bpe.encode(sound, add_special_tokens=False).ids

    def word(self, id_: int) -> str:
        """The token as the vocabulary writes it; `</w>` marks the end of a word."""
        return self._words[id_]

    def id_of(self, word: str) -> int:
        """Inverse of `word`. Raises KeyError for what is not one token."""
        return self._ids[word]


@cache
def tokenizer() -> ClipTokenizer:
    """The tokenizer with CLIP's own vocabulary, built once (about 0.2 s).

    Raises ModelFileError when the vocabulary is not installed.
    """
    package = find_spec("open_clip")
    if package is None or package.origin is None:
        raise ModelFileError(
            "The vocabulary that prompts are read with is missing.",
            "Install the package open_clip_torch.",
        )
    return ClipTokenizer(Path(package.origin).with_name(_VOCABULARY))


def _read_merges(vocabulary: Path) -> list[tuple[str, str]]:
    with gzip.open(vocabulary, "rt", encoding="utf-8") as lines:
        next(lines)  # a comment with the version of the format
        pairs = [tuple(line.split()) for _, line in zip(range(_MERGES), lines, strict=False)]
    return [(left, right) for left, right in pairs]


def _byte_letters() -> list[str]:
    """A visible letter for each byte: itself if it is one in Latin-1, else the next past 255."""
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = len(set(range(0x100)) - set(visible))
    return [chr(code) for code in visible] + [chr(0x100 + k) for k in range(hidden)]


def _build(ids: dict[str, int], merges: list[tuple[str, str]]) -> Tokenizer:
    bpe = Tokenizer(
        BPE(vocab=ids, merges=merges, end_of_word_suffix=_WORD_END, unk_token=_SPECIAL[1])
    )
    bpe.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_WORDS), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    bpe.add_special_tokens(_SPECIAL)
    return bpe
