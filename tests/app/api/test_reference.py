"""What the API says of itself is complete, and is shown without anything from elsewhere."""

import json
import re
from pathlib import Path

import pytest

from app.api import reference
from app.ui.page import STATIC

DOCUMENT = "/api/v1/openapi.json"
PAGES = Path(reference.__file__).parent / "pages"


@pytest.fixture(scope="module")
def document(client) -> dict:
    return client.get(DOCUMENT).json()


@pytest.fixture(scope="module")
def routes(document) -> dict[str, dict]:
    return {
        f"{method.upper()} {path}": spec
        for path, item in document["paths"].items()
        for method, spec in item.items()
    }


def test_every_route_has_a_summary_and_a_group_that_is_explained(routes, document):
    explained = {tag["name"] for tag in document["tags"] if tag["description"]}
    for name, spec in routes.items():
        assert spec.get("summary"), name
        assert set(spec["tags"]) <= explained, name
        assert len(spec["tags"]) == 1, name


def test_no_two_routes_are_called_the_same(routes):
    summaries = [spec["summary"] for spec in routes.values()]
    assert sorted(set(summaries)) == sorted(summaries)


def test_every_route_that_takes_a_body_says_what_is_in_it(routes):
    for name, spec in routes.items():
        if "requestBody" in spec:
            assert spec["requestBody"]["content"], name
            assert all(kind["schema"] for kind in spec["requestBody"]["content"].values()), name


def test_every_route_says_what_it_answers_and_how_it_refuses(routes):
    for name, spec in routes.items():
        answers = spec["responses"]
        assert {"4XX", "5XX"} <= answers.keys(), name
        assert any(status.startswith("2") for status in answers), name
        assert answers["4XX"]["content"]["application/json"]["schema"]["$ref"].endswith("ErrorBody")


def test_every_reference_in_the_document_leads_somewhere(document):
    text = str(document)
    for target in set(re.findall(r"'\$ref': '([^']+)'", text)):
        place = document
        for part in target.removeprefix("#/").split("/"):
            assert part in place, target
            place = place[part]


@pytest.mark.parametrize("name", ["", "/reference.js", "/schema.js", "/reference.css", "/pages.css",
                                  "/look.js", "/mark.svg"])  # fmt: skip
def test_the_page_is_served_under_a_strict_policy(client, name):
    answer = client.get(f"/api{name}")
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "//" not in policy


def test_the_pages_fetch_nothing_from_elsewhere():
    for file in PAGES.iterdir():
        links = set(re.findall(r"https?://[^\s\"'<>]+", file.read_text("utf-8")))
        assert links <= {"http://www.w3.org/2000/svg"}, file.name


def test_the_pages_have_the_colours_of_the_studio():
    colours = re.compile(r"(--[a-z-]+): ([^;]+);")
    ours = set(colours.findall((PAGES / "pages.css").read_text("utf-8")))
    assert ours <= set(colours.findall((STATIC / "ground.css").read_text("utf-8")))


def test_english_and_german_say_the_same_things():
    words = json.loads((PAGES / "words.json").read_text("utf-8"))
    assert words["en"].keys() == words["de"].keys()
