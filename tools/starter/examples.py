"""Paints what the first page offers: `python -m tools.starter.examples`.

The pictures carry their recipes, so that each can be made again.
"""

from app.ui.examples import FOLDER
from pipelines import Catalog, Draft, Engine, expand
from pipelines.metadata import save

EXAMPLES = {
    "a red house on the left, a yellow tree on the right, a meadow, daytime, a clear sky": 3,
    "a watercolour of a white boat in the middle on the sea at sunset under a clear sky": 1,
    "a purple castle in the middle, a snowfield, night, a clear sky, stained glass": 1,
    "a woman in a red dress walking on the left, a lake, dawn, fog, soft pastel drawing": 2,
    "an orange cat sitting on the right and a blue car in the middle, a beach, daytime": 1,
    "pixel art, a pink hot air balloon on the left, mountains, sunset, clouds": 1,
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
