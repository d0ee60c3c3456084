"""The page speaks each of its languages completely."""

import re
from pathlib import Path

import pytest

from app.ui import page
from app.ui.language import WORDS, languages, words
from tests.node import NODE, node

SCRIPTS = sorted(page.STATIC.glob("*.js"))
PYTHON = sorted(Path(page.__file__).parent.rglob("*.py"))
ENGLISH = words("en")

USED = re.compile(r"""["'`]([a-z_]+(?:\.[A-Za-z0-9_+ ]+)+)["'`]""")
"""What looks like a key: parts with dots between them, in quotes."""

BUILT = re.compile(r"""`([a-z_]+\.(?:[a-z_]+\.)*)\$\{|f"([a-z_]+\.(?:[a-z_]+\.)*)\{""")
"""The start of a key whose end is decided while the page runs."""

ENDS = re.compile(r"`\$\{\w+\}(\.[a-z_]+)`")
"""What is added to a key while the page runs."""

VISIBLE = re.compile(
    r"""(?:aria-label"?|title|placeholder|alt|textContent)\s*[:=]\s*["`][A-Z]|"""
    r"""\bh\([^()]*\{[^{}]*\},\s*["`][A-Z][a-z]+[ "`]"""
)
"""Text that stands in a script instead of a catalogue."""

NAMES = {"Gesso"}


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def stems() -> set[str]:
    """Keys without what `n` adds for the number of things."""
    return {re.sub(r"\.(one|other)$", "", key) for key in ENGLISH}


def sources() -> str:
    return "\n".join(path.read_text("utf-8") for path in (*SCRIPTS, *PYTHON))


@pytest.mark.parametrize("language", languages())
def test_every_language_has_every_text_with_the_same_blanks(language: str) -> None:
    own = words(language)
    assert own.keys() == ENGLISH.keys()
    assert all(own.values())
    differing = [key for key in own if placeholders(own[key]) != placeholders(ENGLISH[key])]
    assert differing == []


@pytest.mark.parametrize("language", languages())
def test_a_catalogue_is_in_order(language: str) -> None:
    keys = re.findall(r'^  "([^"]+)":', (WORDS / f"{language}.json").read_text("utf-8"), re.M)
    assert keys == sorted(set(keys))


def test_every_text_that_is_asked_for_is_there() -> None:
    groups = {key.split(".")[0] for key in ENGLISH}
    asked = {key for key in USED.findall(sources()) if key.split(".")[0] in groups}
    suffixes = (".js", ".json", ".css", ".svg", ".py", ".png")
    missing = {key for key in asked if key not in stems() and not key.endswith(suffixes)}
    assert {key for key in missing if not any(k.startswith(key + ".") for k in stems())} == set()


def test_every_text_is_asked_for() -> None:
    source = sources()
    asked = set(USED.findall(source))
    asked |= {key + end for key in asked for end in ENDS.findall(source)}
    starts = tuple(filter(None, (start for pair in BUILT.findall(source) for start in pair)))
    assert {key for key in stems() if key not in asked and not key.startswith(starts)} == set()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_no_script_has_a_text_of_its_own(script: Path) -> None:
    code = (line.strip() for line in script.read_text("utf-8").splitlines())
    lines = [line for line in code if not line.startswith(("//", "/*", "*"))]
    spoken = [line for line in lines if VISIBLE.search(line) and not NAMES & set(line.split('"'))]
    assert spoken == []


@pytest.mark.skipif(NODE is None, reason="needs Node")
def test_texts_are_filled_in_and_counted() -> None:
    source = """
      import { n, rich, t } from "./language.js";
      const said = [
        t("progress.step", { number: 3, total: 20 }),
        n("progress.ahead", 1),
        n("progress.ahead", 2),
        rich("notice.from", { app: 7 }),
        t("no.such.key"),
      ];
      console.log(JSON.stringify(said));
    """
    assert node(source) == [
        "step 3 of 20",
        "1 job before it",
        "2 jobs before it",
        ["Settings of a picture made by ", 7, "."],
        "no.such.key",
    ]
    assert node(source, "de")[:2] == ["Schritt 3 von 20", "1 Auftrag davor"]
