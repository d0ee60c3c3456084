"""What the page asks the server, and what it makes of each kind of answer."""

from __future__ import annotations

from typing import Any

import pytest

from app.api.routes.pictures import AT_ONCE
from tests.node import NODE, node

pytestmark = pytest.mark.skipif(NODE is None, reason="needs Node")


def ask(fetch: str) -> Any:
    return node(
        f"""
        import {{ ask }} from "./api.js";
        globalThis.fetch = async () => {{ {fetch} }};
        const told = ({{ status, message, cure, field }}) => ({{ status, message, cure, field }});
        console.log(JSON.stringify(await ask("/jobs").catch(told)));
        """
    )


def test_an_answer_is_read_with_its_seeds_exact_and_an_empty_one_is_nothing() -> None:
    whole = '{ "seed": 18446744073709551615 }'
    assert ask(f"return new Response('{whole}');") == {"seed": "18446744073709551615"}
    assert ask("return new Response('');") is None


def test_a_refusal_is_an_error_with_its_sentence_cure_and_field() -> None:
    told = {"message": "Too many.", "cure": "Ask for fewer.", "field": "steps"}
    refusal = ask(f"return new Response(JSON.stringify({told}), {{ status: 422 }});")
    assert refusal == {"status": 422, **told}


@pytest.mark.parametrize(
    "fetch", ["throw new TypeError('refused');", "return new Response('<p>');"]
)
def test_where_nobody_answers_in_our_words_there_is_a_sentence_too(fetch: str) -> None:
    assert ask(fetch)["message"] == "Gesso does not answer."


def test_more_pictures_than_the_server_takes_at_once_go_in_several_requests() -> None:
    sizes = node(
        """
        import { remove } from "./gallery-api.js";
        const sizes = [];
        globalThis.fetch = async (url, { body }) => {
          sizes.push(JSON.parse(body).ids.length);
          return new Response(body);
        };
        const gone = await remove(Array.from({ length: 2500 }, (_, k) => `p${k}`));
        console.log(JSON.stringify([sizes, gone.length]));
        """
    )
    assert max(sizes[0]) == AT_ONCE
    assert sum(sizes[0]) == sizes[1] == 2500
