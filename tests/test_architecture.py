"""Who may import whom: the rules of docs/architecture.md, read off the source itself."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]

LAYERS = (
    ("app.cli",),
    ("app.api", "app.ui"),
    ("app.studio",),
    ("app.settings",),
    ("pipelines",),
    ("pipelines.engine", "pipelines.images", "pipelines.models"),
    ("pipelines.catalog", "pipelines.chosen"),
    ("pipelines.library", "pipelines.families", "pipelines.samplers"),
    ("pipelines.metadata", "pipelines.draft", "pipelines.choices", "pipelines.prompt"),
    ("pipelines.library.kinds", "pipelines.library.header", "pipelines.library.text"),
    ("pipelines.picture", "pipelines.recipe", "pipelines.events", "pipelines.geometry",
     "pipelines.errors", "pipelines.files"),
)  # fmt: skip
"""From top to bottom: a room may import itself and those below. Rooms of one layer may not import
each other, but for those of `pipelines`. The most particular name says where a module stands."""

SPEAKS_WITH_THE_ENGINE = (
    "pipelines.engine.environment",
    "pipelines.engine.obituary",
    "pipelines.engine.remote",
    "pipelines.engine.wire",
    "pipelines.models.model_set",
    "pipelines.models.needs",
    "pipelines.models.placement",
    "pipelines.models.plan",
)
"""What the product may use of the engine: the outside of its process, and how it plans."""

COMPOSITION = {("app.api.server", "app.ui")}
"""The one place where two faces meet: the server mounts the page."""

HEAVY = ("torch", "torchvision", "diffusers", "transformers", "accelerate", "cv2", "k_diffusion")
FACES = ("gradio", "fastapi", "starlette", "uvicorn")

NEVER_HEAVY = (
    "app",
    "pipelines.catalog",
    "pipelines.choices",
    "pipelines.chosen",
    "pipelines.draft",
    "pipelines.errors",
    "pipelines.files",
    "pipelines.events",
    "pipelines.geometry",
    "pipelines.images",
    "pipelines.library",
    "pipelines.metadata",
    "pipelines.picture",
    "pipelines.prompt",
    "pipelines.recipe",
    *SPEAKS_WITH_THE_ENGINE,
)
HEAVY_ONLY_IN_FUNCTIONS = ("pipelines.families", "pipelines.samplers", "pipelines.engine.child")

LIGHT_ENTRANCES = (
    "app.cli",
    "app.studio.service",
    "app.studio.doctor",
    "app.api.server",
    "pipelines",
    "pipelines.catalog",
    "pipelines.engine.remote",
    "pipelines.samplers",
)


class Import(NamedTuple):
    """`module` imports `target`; `lazily` inside a function, `typing` only for type checkers."""

    module: str
    target: str
    lazily: bool
    typing: bool

    def __str__(self) -> str:
        return f"{self.module} imports {self.target}{' in a function' if self.lazily else ''}"


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> Iterator[Import]:
    module = module_of(path)
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]

    def visit(node: ast.AST, lazily: bool, typing: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            names: list[str] = []
            if isinstance(child, ast.Import):
                names = [alias.name for alias in child.names]
            elif isinstance(child, ast.ImportFrom):
                names = [target_of(child, package, alias.name) for alias in child.names]
            yield from (Import(module, name, lazily, typing) for name in names)
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            checking = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
            yield from visit(child, lazily or inside, typing or checking)

    yield from visit(ast.parse(path.read_text(encoding="utf-8")), False, False)


def target_of(node: ast.ImportFrom, package: str, name: str) -> str:
    """The module that `from x import name` names: `x.name` where that is a module, else `x`."""
    base = node.module or ""
    if node.level:
        above = package.split(".")[: len(package.split(".")) - node.level + 1]
        base = ".".join([*above, *([base] if base else [])])
    whole = ROOT.joinpath(*base.split("."), name)
    is_module = whole.with_suffix(".py").is_file() or (whole / "__init__.py").is_file()
    return f"{base}.{name}" if is_module else base


def within(module: str, rooms: tuple[str, ...]) -> bool:
    return any(module == room or module.startswith(room + ".") for room in rooms)


def room_of(module: str) -> tuple[int, str]:
    """Number of the layer and the room in it; the most particular name wins."""
    found = [
        (len(room), number, room)
        for number, layer in enumerate(LAYERS)
        for room in layer
        if within(module, (room,)) and (room != "pipelines" or module == "pipelines")
    ]
    assert found, f"{module} has no room in LAYERS: say where it belongs"
    _, number, room = max(found)
    return number, room


SOURCES = sorted(path for top in ("app", "pipelines") for path in (ROOT / top).rglob("*.py"))
IMPORTS = [found for path in SOURCES for found in imports_of(path)]
OURS = [found for found in IMPORTS if within(found.target, ("app", "pipelines"))]


def test_every_module_stands_in_a_room():
    for path in SOURCES:
        if module_of(path) != "app":
            room_of(module_of(path))


def allowed(found: Import) -> bool:
    """Whether an import goes down, or stays in its room."""
    if found.target in ("app", "pipelines"):  # The packages themselves hold nothing of their own.
        return True
    (layer, room), (other_layer, other_room) = room_of(found.module), room_of(found.target)
    if layer == other_layer:
        same = room == other_room or room.startswith("pipelines")
        return same or (found.module, other_room) in COMPOSITION
    return layer < other_layer


def test_no_room_imports_one_above_it():
    assert [str(found) for found in OURS if not found.typing and not allowed(found)] == []


def test_the_product_touches_the_engine_only_from_outside_its_process():
    wrong = [
        str(found)
        for found in OURS
        if within(found.module, ("app",))
        and within(found.target, ("pipelines.engine", "pipelines.models"))
        and not within(found.target, SPEAKS_WITH_THE_ENGINE)
    ]
    assert wrong == []


def test_the_library_knows_no_server_and_no_page():
    wrong = [
        str(found)
        for found in IMPORTS
        if within(found.module, ("pipelines",)) and within(found.target, ("app", *FACES))
    ]
    assert wrong == []


def test_gradio_is_imported_by_the_page_alone():
    wrong = [
        str(found)
        for found in IMPORTS
        if within(found.target, ("gradio",)) and not within(found.module, ("app.ui",))
    ]
    assert wrong == []


def test_torch_and_its_like_stay_where_they_belong():
    wrong = [
        str(found)
        for found in IMPORTS
        if within(found.target, HEAVY)
        and not found.typing
        and (
            within(found.module, NEVER_HEAVY)
            or (within(found.module, HEAVY_ONLY_IN_FUNCTIONS) and not found.lazily)
        )
    ]
    assert wrong == []


def test_the_process_that_serves_the_page_decodes_no_picture():
    decoders = ("PIL", "cv2", "imageio", "pipelines.images.pixels", "pipelines.images.child")
    where = {
        found.module
        for found in IMPORTS
        if within(found.target, decoders)
        and within(found.module, ("app", "pipelines.images", "pipelines.metadata"))
    }
    # The writer only packs texts for Pillow to save.
    assert where == {
        "pipelines.images.child",
        "pipelines.images.pixels",
        "pipelines.metadata.writer",
    }


def test_the_rules_see_what_they_are_meant_to_see():
    seen = {(found.module, found.target) for found in IMPORTS}
    assert ("pipelines.engine.engine", "torch") in seen
    assert ("app.studio.service", "pipelines.engine.remote") in seen
    assert ("app.ui.page", "gradio") in seen
    lazy = {(found.module, found.target) for found in IMPORTS if found.lazily}
    assert ("app.api.server", "app.ui") in lazy


@pytest.mark.parametrize("entrance", LIGHT_ENTRANCES)
def test_importing_it_brings_in_nothing_heavy(entrance):
    program = f"import sys, {entrance}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert not {*HEAVY, "gradio"} & set(done.stdout.split())
