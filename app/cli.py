"""The command line: `gesso serve | render | models | doctor`.

Flags are kept as text and checked where they are used, so that every mistake gets the same
sentence and cure as on the page.
"""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from app.settings import Settings
from pipelines.draft import Draft, check, expand
from pipelines.errors import RecipeFileError, RequestError, StorageError, StudioError
from pipelines.events import Decoding, Encoding, Event, Loading, Notice, Step
from pipelines.recipe import Recipe

if TYPE_CHECKING:
    from pipelines.catalog import Catalog

DRAFT_FLAGS = (
    "negative_prompt",
    "seed",
    "steps",
    "size",
    "checkpoint",
    "sampler",
    "schedule",
    "guidance_scale",
    "clip_skip",
    "prediction_type",
    "vae",
    "loras",
    "count",
)
REPEATED = {"loras": "lora"}
"""Flags that may be given several times, each for one of the field's values."""
FOLDERS = ("models", "presets", "outputs", "data")
ENGINE_FLAGS = ("device", "dtype", "threads", "ram_budget", "device_budget")
SETTING_FLAGS = ("port", "models", "presets", "outputs", "data", *ENGINE_FLAGS)
NETWORK_FLAGS = ("host", "token", "token_file", "allow_host")
SEVERAL = ("models", "presets", "allow_host")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code. 2: something the artist can put right."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or (given[0].startswith("-") and given[0] not in ("-h", "--help")):
        given.insert(0, "serve")
    flags = build_parser().parse_args(given)
    try:
        return flags.command(flags)
    except StudioError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130


def build_parser() -> argparse.ArgumentParser:
    """The commands and their flags."""
    parser = argparse.ArgumentParser(prog="gesso", description="A Stable Diffusion studio.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="open the studio in the browser (the default)")
    serve.set_defaults(command=_serve)
    _add_settings(serve, *SETTING_FLAGS, *NETWORK_FLAGS)
    serve.add_argument("--no-browser", action="store_true", help="only serve, open no browser")

    render = commands.add_parser("render", help="render a prompt or a recipe to a file")
    render.set_defaults(command=_render)
    render.add_argument("prompt", nargs="?", help=_help(Recipe.model_fields["prompt"].description))
    render.add_argument("--out", required=True, metavar="FILE", help="PNG file to write")
    render.add_argument(
        "--recipe", metavar="FILE", help="a recipe (.json), or a picture that Gesso saved (.png)"
    )
    for name in DRAFT_FLAGS:
        field = Recipe.model_fields.get(name) or Draft.model_fields[name]
        action = "append" if name in REPEATED else "store"
        said = _help(field.description)
        render.add_argument(
            _flag(name), dest=name, action=action, metavar=_metavar(name), help=said
        )
    _add_settings(render, "models", "presets", "data", *ENGINE_FLAGS)

    convert = commands.add_parser("convert", help="write a .ckpt as .safetensors, running nothing")
    convert.set_defaults(command=_convert)
    convert.add_argument("file", metavar="FILE", help="the pickled checkpoint")
    convert.add_argument("--out", metavar="FILE", help="default: beside it, as .safetensors")

    models = commands.add_parser("models", help="list the model files and what is wrong with them")
    models.set_defaults(command=_models)
    models.add_argument("--json", action="store_true", help="print JSON")
    models.add_argument("--rescan", action="store_true", help="read every file again")
    _add_settings(models, "models", "presets", "data")

    doctor = commands.add_parser("doctor", help="look for problems on this machine")
    doctor.set_defaults(command=_doctor)
    doctor.add_argument("--json", action="store_true", help="print JSON")
    doctor.add_argument(
        "--plan",
        nargs="*",
        metavar="CHECKPOINT",
        help="what would be placed where if these painted one after the other",
    )
    doctor.add_argument("--ram", type=float, metavar="GB", help="plan for a machine with this RAM")
    doctor.add_argument("--gpu", type=float, metavar="GB", help="... and a GPU with this memory")
    doctor.add_argument("--size", metavar="WxH", help="plan for pictures of this size")
    _add_settings(doctor, *SETTING_FLAGS)
    return parser


def _add_settings(parser: argparse.ArgumentParser, *names: str) -> None:
    for name in names:
        said = _help(Settings.model_fields[name].description)
        action = "append" if name in SEVERAL else "store"
        parser.add_argument(_flag(name), action=action, metavar=_metavar(name), help=said)


def _metavar(name: str) -> str:
    if name.endswith("_budget"):
        return "GB"
    if name == "loras":
        return "NAME:WEIGHT"
    return "DIR" if name in FOLDERS else name.rpartition("_")[2].upper()


def _flag(name: str) -> str:
    return "--" + REPEATED.get(name, name).replace("_", "-")


def _help(text: str | None) -> str:
    return (text or "").replace("%", "%%")


def _settings(flags: argparse.Namespace) -> Settings:
    names = (*SETTING_FLAGS, *NETWORK_FLAGS)
    given = {name: getattr(flags, name, None) for name in names}
    return Settings.load({name: value for name, value in given.items() if value is not None})


def _serve(flags: argparse.Namespace) -> int:
    settings = _settings(flags)
    from app.api import server
    from app.studio.service import Studio

    server.prepare_environment(settings.data)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with server.listen(settings.host, settings.port) as listening:
        studio = Studio(settings)
        _log_to(settings.data / "logs" / "gesso.log")
        try:
            ready = partial(_say_ready, settings)
            server.run(studio, listening, browser=not flags.no_browser, ready=ready)
        finally:
            studio.close()
    return 0


def _say_ready(settings: Settings, url: str) -> None:
    print(f"Gesso is ready: {url}", flush=True)
    if settings.token is None:
        return
    from app.api.hosts import reached_at

    # No browser sends what stands behind "#": the token gets into no log and no history.
    secret = quote(settings.token.get_secret_value(), safe="")
    links = [f"{one}/login#{secret}" for one in reached_at(settings)[1]]
    print(f"On this machine: {url}/login#{secret}", flush=True)
    if not links:
        return
    print("On a phone or another computer in the same network, any of these:")
    print(*(f"  {link}" for link in links), sep="\n")
    if sys.stdout.isatty():
        import segno

        segno.make(links[0]).terminal(compact=True)
    print("Who can read along in that network can read along here, too.", flush=True)


def _log_to(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(file, maxBytes=1_000_000, backupCount=1, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.INFO)


def _render(flags: argparse.Namespace) -> int:
    settings = _settings(flags)
    from app.studio.service import open_catalog

    catalog = open_catalog(settings)
    recipes = _recipes(flags, catalog)
    paths = _paths(Path(flags.out), len(recipes))

    from pipelines import Engine, save
    from pipelines.engine.environment import settle_in

    settle_in()
    budgets = settings.ram_budget_bytes, settings.device_budget_bytes
    engine = Engine(catalog, settings.device, settings.dtype, settings.threads, *budgets)
    for recipe, path in zip(recipes, paths, strict=True):
        with _bar(recipe.steps) as show:
            picture = engine.render(recipe, show)
        save(picture, path)
        print(f"{path}  seed {recipe.seed}, {picture.facts.seconds:.1f} s")
    return 0


def _recipes(flags: argparse.Namespace, catalog: Catalog) -> list[Recipe]:
    """What the flags ask for: a draft's recipes, or the one in a file."""
    given = {name: getattr(flags, name) for name in ("prompt", *DRAFT_FLAGS)}
    asked = {name: value for name, value in given.items() if value is not None}
    if flags.recipe is None:
        if "prompt" not in asked:
            raise RequestError("There is no prompt.", 'Say what to paint: gesso render "..."')
        return expand(Draft.of(asked), catalog)
    if asked:
        names = ", ".join("the prompt" if name == "prompt" else _flag(name) for name in asked)
        raise RequestError("A recipe decides everything already.", f"Leave out {names}.")
    recipe = _read_recipe(Path(flags.recipe))
    check(recipe, catalog)
    return [recipe]


def _read_recipe(file: Path) -> Recipe:
    from pipelines.metadata import read_recipe

    if file.suffix.lower() != ".json":
        return read_recipe(file)
    try:
        return Recipe.from_json(file.read_bytes())
    except OSError as error:
        raise RecipeFileError(
            f"{file} cannot be read: {error.strerror}.", "Check its name."
        ) from error


def _paths(out: Path, count: int) -> list[Path]:
    """One file per picture: `house.png`, or `house-1.png`, `house-2.png`, ...

    What would only fail after the painting is refused here.
    """
    from app.studio.gallery import writable

    if out.suffix.lower() != ".png":
        raise RequestError(f"{out.name} does not end in .png.", "Pictures are saved as PNG.", "out")
    writable(out.absolute().parent)
    paths = [out]
    if count > 1:
        paths = [out.with_stem(f"{out.stem}-{k}") for k in range(1, count + 1)]
    for path in paths:
        if path.exists():
            raise StorageError(f"{path} is there already.", "Choose another name with --out.")
    return paths


@contextmanager
def _bar(steps: int) -> Iterator[Any]:
    """A progress bar on the terminal, moved by the engine's events."""
    from tqdm import tqdm

    with tqdm(total=steps, unit="step", leave=False, disable=None) as bar:

        def show(event: Event) -> None:
            match event:
                case Loading(what=what, done=done, total=total):
                    bar.set_description(f"Loading {what} {done / max(1, total):.0%}")
                case Encoding():
                    bar.set_description("Reading the prompt")
                case Step(i=i, n=n):
                    bar.set_description("Painting", refresh=False)
                    bar.total = n
                    bar.update(i - bar.n)
                case Decoding():
                    bar.set_description("Finishing")
                case Notice(message=message):
                    bar.write(message, file=sys.stderr)

        yield show


def _models(flags: argparse.Namespace) -> int:
    settings = _settings(flags)
    from app.studio.listing import as_table, listing
    from app.studio.service import open_catalog

    catalog = open_catalog(settings, cached=not flags.rescan)
    catalog.library.wait()
    entries = listing(catalog)
    print(json.dumps(entries, indent=2) if flags.json else as_table(entries))
    return 0


def _convert(flags: argparse.Namespace) -> int:
    from pipelines import convert

    source = Path(flags.file)
    out = Path(flags.out) if flags.out else source.with_suffix(".safetensors")
    convert(source, out)
    print(f"{out} is ready.")
    return 0


def _doctor(flags: argparse.Namespace) -> int:
    from app.studio.doctor import as_text, examine, forecast_here

    if flags.plan is not None:
        from app.studio import forecast

        told = forecast_here(_settings(flags), flags.plan, flags.ram, flags.gpu, flags.size)
        print(json.dumps(told.to_dict(), indent=2) if flags.json else forecast.as_text(told))
        return 0
    report = examine(_settings(flags))
    print(json.dumps(report.to_dict(), indent=2) if flags.json else as_text(report))
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
