"""The tokenizer gives the ids the text encoders were trained on."""

import gzip
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.errors import ModelFileError
from pipelines.prompt import tokenizer as module
from pipelines.prompt.tokenizer import BOS, EOS
from pipelines.prompt.tokenizer import tokenizer as clip


@pytest.fixture(scope="module")
def reference():
    """transformers' own tokenizer over the same vocabulary, built as its documentation says."""
    from transformers import CLIPTokenizer
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    file = Path(find_spec("open_clip").origin).with_name("bpe_simple_vocab_16e6.txt.gz")
    lines = gzip.decompress(file.read_bytes()).decode().split("\n")[1 : 49152 - 256 - 2 + 1]
    merges = [tuple(line.split()) for line in lines]
    letters = list(bytes_to_unicode().values())
    words = letters + [letter + "</w>" for letter in letters] + ["".join(m) for m in merges]
    vocab = {word: k for k, word in enumerate([*words, "<|startoftext|>", "<|endoftext|>"])}
    return CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=10**9)


def same(reference, text):
    return clip().encode(text) == reference(text, add_special_tokens=False)["input_ids"]


def test_well_known_ids():
    assert clip().encode("a photo of a cat") == [320, 1125, 539, 320, 2368]
    assert clip().encode("") == []
    assert clip().id_of("<|startoftext|>") == BOS
    assert clip().id_of("<|endoftext|>") == EOS


def test_exclamation_marks_are_words_and_not_padding():
    assert clip().encode("hello!!") == [3306, 748]


def test_a_made_up_word_is_read_in_pieces():
    pieces = [clip().word(id_) for id_ in clip().encode("dreambeach")]
    assert pieces == ["dream", "beach</w>"]


@pytest.mark.parametrize(
    "text",
    [
        "a red house, a meadow, a clear day",
        "masterpiece, (best quality), 8k --ar 16:9",
        "it's we've they'll I'd IT'S",
        "12 monkeys, 2049, ½ Ⅷ ٣",
        "café naïve Ångström e\u0301cole ﬁn İstanbul ẞ",
        "日本の風景、富士山 한국어 עברית العربية",
        "👩‍🚀🌈🏳️‍🌈 emoji\ufe0f",
        "tabs\tand\nlines\r\n  and\u00a0spaces\u3000wide\u2028line\x00nul\x85next",
        "<|endoftext|> <|startoftext|> <|ENDOFTEXT|> a<|endoftext|>b",
        "!!! ?! ... --- ,,, (((x))) [y] {z} \\ _under_score",
        "a" * 300 + " " + "!" * 300,
    ],
)
def test_ids_equal_those_of_transformers(reference, text):
    assert same(reference, text)


@settings(max_examples=400, deadline=None)
@given(text=st.text(max_size=60))
def test_ids_equal_those_of_transformers_for_any_text(reference, text):
    assert same(reference, text)


@settings(max_examples=200, deadline=None)
@given(text=st.text("aB 'strvem!,.<|>endoftxAR1é🎨\n", max_size=40))
def test_ids_equal_those_of_transformers_for_near_prompts(reference, text):
    assert same(reference, text)


def test_half_an_emoji_is_read_as_a_question_mark():
    assert clip().encode("a \ud83d") == clip().encode("a ?")


def test_it_is_built_once():
    assert clip() is clip()


def test_a_missing_vocabulary_is_said_with_its_cure(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(ModelFileError, match="open_clip_torch"):
        module.tokenizer.__wrapped__()


def test_neither_torch_nor_transformers_is_needed():
    code = (
        "import sys; from pipelines.prompt.chunks import chunk;"
        "from pipelines.prompt.tokenizer import tokenizer; chunk('a cat', tokenizer());"
        "print([m for m in ('torch', 'transformers', 'open_clip') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
