"""Paints what the first page offers: `python -m tools.starter.examples`.

The pictures carry their recipes, so that each can be made again.
"""

from app.ui.examples import FOLDER
from pipelines import Catalog, Draft, Engine, expand
from pipelines.metadata import save

EXAMPLES = {
    "a red house, a meadow, a clear day": 3,
    "a white boat on the sea at sunset, watercolour": 1,
    "a purple tree in the snow at night, pixel art": 1,
    "yellow flowers in the hills at dawn": 2,
    "ink sketch of a blue house in the mountains": 1,
    "a green tree in the desert at sunset": 1,
}
"""Prompts and their seeds."""


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    catalog = Catalog.open([])
    engine = Engine(catalog)
    for number, (prompt, seed) in enumerate(EXAMPLES.items(), 1):
        [recipe] = expand(Draft(prompt=prompt, seed=seed), catalog)
        path = FOLDER / f"{number}.png"
        path.unlink(missing_ok=True)
        save(engine.render(recipe), path)


if __name__ == "__main__":
    main()
