"""What the blank canvas offers to paint: pictures of the starter, which say how they were made."""

from pathlib import Path

from pipelines.metadata import read_recipe

FOLDER = Path(__file__).parent / "static" / "examples"


def examples() -> list[dict[str, str]]:
    """Prompt and picture, a file below `static`, of all that lie there, by name."""
    return [
        {"prompt": read_recipe(path).prompt, "picture": f"{FOLDER.name}/{path.name}"}
        for path in sorted(FOLDER.glob("*.png"))
    ]
