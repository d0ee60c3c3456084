"""How long a prompt is for the model, as the counter beside its box shows it."""

import pytest

API = "/api/v1/prompt/count"


@pytest.mark.parametrize(
    ("prompt", "chunks"),
    [
        ("", [0]),
        ("a red house, a meadow", [6]),
        ("(a red house:1.3)", [3]),
        ("a red house BREAK a meadow", [3, 2]),
        ("cat " * 80, [75, 5]),
        ("house, " * 50, [75, 25]),
    ],
)
def test_the_tokens_of_each_chunk_are_counted(client, prompt, chunks):
    counted = client.post(API, json={"prompt": prompt}).json()
    assert counted == {"chunks": chunks, "limit": 75, "too_long": False}


def test_a_prompt_beyond_the_limit_is_told_to_be_too_long_while_it_is_written(client):
    answer = client.post(API, json={"prompt": "a" * 10_001})
    assert answer.status_code == 200
    assert answer.json() == {"chunks": [], "limit": 75, "too_long": True}


def test_tags_count_nothing(client):
    asked = {"prompt": "a red house <lora:ink:0.8>", "checkpoint": "tiny-sd1"}
    assert client.post(API, json=asked).json()["chunks"] == [3]


def test_a_checkpoint_that_is_not_there_is_no_reason_not_to_count(client):
    counted = client.post(API, json={"prompt": "a red house", "checkpoint": "../gone"})
    assert counted.json()["chunks"] == [3]
