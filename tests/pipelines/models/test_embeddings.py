"""Textual inversions in every form they are passed around in."""

from __future__ import annotations

import os

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from pipelines.errors import ModelFileError, WrongModel
from pipelines.families import families
from pipelines.models.embeddings import Rows, embedded, read_embedding
from tests import tiny

FAMILIES = {family.name: family for family in families()}
TWO = torch.arange(64.0).reshape(2, 32)


def a1111(vectors, **beside):
    """What A1111 saves after training."""
    return {
        "string_to_token": {"*": 265},
        "string_to_param": {"*": vectors},
        "name": "trained",
        "step": 500,
        "sd_checkpoint": "abc",
        "sd_checkpoint_name": None,
        **beside,
    }


def first_ones(vectors):
    """What the authors of textual inversion saved: a module's parameters, a tensor for the id."""
    return {
        "string_to_token": {"*": torch.tensor(265)},
        "string_to_param": nn.ParameterDict({"*": nn.Parameter(vectors)}),
    }


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("zorple.pt", a1111(TWO)),
        ("zorple.pt", a1111(nn.Parameter(TWO))),
        ("zorple.pt", first_ones(TWO)),
        ("zorple.bin", {"<house>": TWO}),
        ("zorple.safetensors", {"emb_params": TWO}),
        ("zorple.SAFETENSORS", {"<house>": TWO}),
        ("zorple.safetensors", {"clip_l": TWO}),
        ("zorple.bin", {"sks style": TWO}),
    ],
)
def test_vectors_for_one_text_encoder(tmp_path, file, content):
    save = save_file if file.lower().endswith(".safetensors") else torch.save
    save(content, tmp_path / file)
    embedding = read_embedding(tmp_path / file, FAMILIES["sd1"])
    assert (embedding.word, embedding.count) == ("zorple", 2)
    assert embedding.vectors.keys() == {"text_encoder"}
    assert torch.equal(embedding.vectors["text_encoder"], TWO)


def test_safetensors_under_the_name_of_a_pickle_are_what_they_are(tmp_path):
    save_file({"emb_params": TWO}, tmp_path / "zorple.pt")
    embedding = read_embedding(tmp_path / "zorple.pt", FAMILIES["sd1"])
    assert torch.equal(embedding.vectors["text_encoder"], TWO)


def test_a_single_vector_needs_no_second_dimension_and_half_precision_is_widened(tmp_path):
    torch.save({"<house>": TWO[0].half()}, tmp_path / "house.v2.bin")
    embedding = read_embedding(tmp_path / "house.v2.bin", FAMILIES["sd2"])
    assert (embedding.word, embedding.count) == ("house.v2", 1)
    vectors = embedding.vectors["text_encoder"]
    assert (vectors.shape, vectors.dtype) == ((1, 32), torch.float32)


@pytest.mark.parametrize("file", ["xl.safetensors", "xl.pt"])
def test_sdxl_has_vectors_for_each_of_its_encoders_and_the_refiner_takes_its_own(tmp_path, file):
    content = {"clip_l": TWO.half(), "clip_g": torch.ones(2, 48, dtype=torch.half)}
    (save_file if file.endswith(".safetensors") else torch.save)(content, tmp_path / file)
    base = read_embedding(tmp_path / file, FAMILIES["sdxl"])
    assert {key: tuple(each.shape) for key, each in base.vectors.items()} == {
        "text_encoder": (2, 32),
        "text_encoder_2": (2, 48),
    }
    refiner = read_embedding(tmp_path / file, FAMILIES["sdxl-refiner"])
    assert refiner.vectors.keys() == {"text_encoder_2"}


@pytest.mark.parametrize(
    ("family", "content"),
    [
        ("sd1", {"clip_l": TWO, "clip_g": torch.ones(2, 48)}),
        ("sd2", {"clip_l": TWO, "clip_g": torch.ones(2, 48)}),
        ("sd1", {"clip_g": TWO}),
        ("sdxl", {"emb_params": TWO}),
        ("sdxl", {"clip_l": TWO}),
        ("sdxl-refiner", {"clip_l": TWO}),
    ],
)
def test_one_for_other_text_encoders_is_refused(tmp_path, family, content):
    save_file(content, tmp_path / "xl.safetensors")
    with pytest.raises(WrongModel, match=r"xl\.safetensors was made for other text encoders") as e:
        read_embedding(tmp_path / "xl.safetensors", FAMILIES[family])
    assert e.value.field == "embeddings"


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"name": "nothing"},
        {"string_to_param": {}},
        {"string_to_param": {"*": TWO, "**": TWO}},
        {"<a>": TWO, "<b>": TWO},
        {"<a>": torch.zeros(2, 3, 4)},
        {"<a>": torch.zeros(0, 32)},
        {"<a>": torch.tensor(1.0)},
        {"<a>": torch.ones(2, 32, dtype=torch.int64)},
        {"clip_l": TWO, "clip_g": torch.ones(3, 48)},
    ],
)
def test_a_file_without_vectors_that_make_sense_says_so(tmp_path, content):
    torch.save(content, tmp_path / "bad.pt")
    family = FAMILIES["sdxl" if "clip_g" in content else "sd1"]
    with pytest.raises(ModelFileError, match=r"bad\.pt is no embedding that Gesso knows"):
        read_embedding(tmp_path / "bad.pt", family)


def test_more_vectors_than_a_text_encoder_reads_at_a_time_are_refused(tmp_path):
    torch.save({"<a>": torch.zeros(75, 4)}, tmp_path / "long.pt")
    assert read_embedding(tmp_path / "long.pt", FAMILIES["sd1"]).count == 75
    torch.save({"<a>": torch.zeros(76, 4)}, tmp_path / "long.pt")
    with pytest.raises(ModelFileError, match=r"long\.pt has 76 vectors; a text encoder reads 75"):
        read_embedding(tmp_path / "long.pt", FAMILIES["sd1"])


def test_files_that_are_cut_or_gone_say_so(tmp_path):
    save_file({"emb_params": TWO}, tmp_path / "cut.safetensors")
    os.truncate(tmp_path / "cut.safetensors", 100)
    with pytest.raises(ModelFileError, match=r"cut\.safetensors is incomplete"):
        read_embedding(tmp_path / "cut.safetensors", FAMILIES["sd1"])
    with pytest.raises(ModelFileError, match=r"gone\.pt is gone"):
        read_embedding(tmp_path / "gone.pt", FAMILIES["sd1"])


def test_an_embedding_outlives_its_file(tmp_path):
    path = tmp_path / "zorple.safetensors"
    save_file({"emb_params": TWO}, path)
    embedding = read_embedding(path, FAMILIES["sd1"])
    with path.open("r+b") as file:  # in place, as a careless copy does it
        file.seek(-TWO.nbytes, os.SEEK_END)
        file.write(bytes(TWO.nbytes))
    assert torch.equal(embedding.vectors["text_encoder"], TWO)


def test_a_text_encoder_reads_the_vectors_and_is_then_what_it_was():
    encoder = tiny.loaded("sd1").encoders[0].module
    table = encoder.get_input_embeddings()
    ids = torch.tensor([[1, 2, 3, 4], [5, 6, 7, 8]])
    with torch.inference_mode():
        plain = table(ids)
        with embedded(encoder, [Rows(text=1, start=2, vectors=TWO)]):
            changed = table(ids)
        with embedded(encoder, []):
            assert torch.equal(table(ids), plain)
        assert torch.equal(table(ids), plain)
    assert torch.equal(changed[0], plain[0])
    assert torch.equal(changed[1, :2], plain[1, :2])
    assert torch.equal(changed[1, 2:], TWO)


def test_the_vectors_are_taken_away_when_the_encoding_fails():
    encoder = tiny.loaded("sd1").encoders[0].module
    table, ids = encoder.get_input_embeddings(), torch.tensor([[1, 2, 3, 4]])
    with torch.inference_mode():
        plain = table(ids)
        with pytest.raises(KeyboardInterrupt), embedded(encoder, [Rows(0, 0, TWO)]):
            raise KeyboardInterrupt
        assert torch.equal(table(ids), plain)
