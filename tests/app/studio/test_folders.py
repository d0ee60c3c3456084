"""Where models come from: found, adopted, chosen, removed, and kept in the artist's settings."""

from __future__ import annotations

import os
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.settings import Settings, SettingsError, home
from app.studio import folder_dialog
from app.studio.candidates import count, places, search
from app.studio.errors import NotFound
from app.studio.folders import Folders
from app.studio.settings_file import write_models
from pipelines.catalog import Catalog
from pipelines.errors import RequestError, StorageError
from pipelines.library.layouts import program_of
from tests.pipelines.library.files import lora, real, write
from tests.trouble import unprivileged

MARKS = {
    "comfyui": ("models/checkpoints", "comfy"),
    "a1111": ("models/Stable-diffusion",),
    "forge": ("models/Stable-diffusion", "modules_forge"),
    "gesso": ("models/checkpoints", "presets/families"),
}
FILES = {"invokeai": ("invokeai.yaml",), "fooocus": ("fooocus_version.py",)}


def _studio(root: Path, program: str) -> Path:
    """A folder as another program leaves it."""
    for folder in (*MARKS.get(program, ("models/checkpoints",)), "outputs"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for file in FILES.get(program, ()):
        (root / file).touch()
    return root


@pytest.fixture
def someone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Somebody's home folder."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.fixture
def opened(someone: Path) -> Iterator[Callable[[Settings], Folders]]:
    """The folders of settings, over a catalog of their own."""
    catalogs: list[Catalog] = []

    def folders(settings: Settings) -> Folders:
        catalogs.append(Catalog.open(settings.models))
        return Folders(settings, catalogs[-1], catalogs[-1].reopen)

    yield folders
    for catalog in catalogs:
        catalog.close()


@pytest.fixture
def folders(opened: Callable[[Settings], Folders], tmp_path: Path) -> Folders:
    """Those of a studio that knows an empty drop folder."""
    (tmp_path / "models").mkdir()
    return opened(Settings(models=(tmp_path / "models",), data=tmp_path / "data"))


def _found(folders: Folders, met: Callable[[dict], object]) -> dict:
    """The listing, once it is as it should be."""
    deadline = time.monotonic() + 20
    while not met(listing := folders.listing()):
        assert time.monotonic() < deadline, listing
        time.sleep(0.05)
    return listing


def _over(listing: dict) -> bool:
    return not listing["searching"] and not any(f["scanning"] for f in listing["folders"])


@pytest.mark.parametrize("program", [*MARKS, *FILES])
def test_each_program_is_known_by_its_folder(tmp_path: Path, program: str) -> None:
    assert program_of(_studio(tmp_path / "it", program)) == program


def test_a_folder_of_pictures_is_nobodys(tmp_path: Path) -> None:
    (tmp_path / "models" / "checkpoints").mkdir(parents=True)
    assert program_of(tmp_path) is None
    assert program_of(tmp_path / "nowhere") is None


def test_studios_are_found_near_home_and_links_are_not_followed(someone: Path) -> None:
    _studio(someone / "ComfyUI", "comfyui")
    _studio(someone / "Documents" / "AI" / "forge", "forge")
    _studio(someone / "Documents" / "a" / "b" / "c" / "too deep", "a1111")
    _studio(someone / ".hidden" / "ComfyUI", "comfyui")
    _studio(someone.parent / "elsewhere", "comfyui")
    (someone / "link").symlink_to(someone.parent / "elsewhere")
    found = {candidate.path: candidate.program for candidate in search([someone, someone / "no"])}
    assert found == {someone / "ComfyUI": "comfyui"}
    found = {candidate.path for candidate in search(places(someone, home()))}
    assert {someone / "ComfyUI", someone / "Documents" / "AI" / "forge"} <= found


def test_a_folder_that_nobody_may_look_into_ends_no_search() -> None:
    with unprivileged(), tempfile.TemporaryDirectory() as name:
        place = Path(name)
        closed = place / "lost+found"
        closed.mkdir()
        _studio(place / "webui", "a1111")
        closed.chmod(0)
        assert [found.path for found in search([place])] == [place / "webui"]


def test_a_search_ends_in_time_however_many_folders_there_are(someone: Path) -> None:
    for k in range(300):
        (someone / str(k) / "a").mkdir(parents=True)
    started = time.monotonic()
    assert list(search([someone], seconds=0.0)) == []
    assert time.monotonic() - started < 5


def test_the_files_of_a_program_are_counted_by_what_they_are_for(tmp_path: Path) -> None:
    comfy = _studio(tmp_path / "ComfyUI", "comfyui")
    write(comfy / "models" / "checkpoints" / "one.safetensors", real("sd15"))
    for k in range(3):
        write(comfy / "models" / "loras" / "x" / f"{k}.safetensors", lora())
    write(tmp_path / "shared" / "two.safetensors", lora())
    (comfy / "extra_model_paths.yaml").write_text(f"b:\n  loras: {tmp_path / 'shared'}\n")
    assert count(comfy) == {"checkpoint": 1, "lora": 4}


def test_an_adopted_folder_is_used_at_once_and_after_a_restart(
    folders: Folders, tmp_path: Path, someone: Path
) -> None:
    comfy = _studio(someone / "ComfyUI", "comfyui")
    write(comfy / "models" / "checkpoints" / "one.safetensors", real("sd15"))
    listing = _found(folders, lambda found: _over(found) and found["candidates"])
    assert listing["first_run"]
    assert str(tmp_path / "models") == listing["drop"]
    [candidate] = [c for c in listing["candidates"] if c["path"] == str(comfy)]
    assert (candidate["program"], candidate["counts"]) == ("comfyui", {"checkpoint": 1})

    folders.adopt(candidate["id"])
    listing = _found(folders, lambda found: _over(found) and len(found["folders"]) == 2)
    assert listing["folders"][1]["counts"] == {"checkpoint": 1}
    assert listing["folders"][1]["reachable"] is True
    assert not listing["first_run"]
    assert str(comfy) not in {c["path"] for c in listing["candidates"]}
    again = Settings.load({"data": str(tmp_path / "data")}, {})
    assert again.models == (tmp_path / "models", comfy)

    folders.remove(listing["folders"][1]["id"])
    assert len(folders.listing()["folders"]) == 1
    assert (comfy / "models" / "checkpoints" / "one.safetensors").exists()


def test_files_that_cannot_be_used_are_named_with_what_is_wrong(
    folders: Folders, someone: Path
) -> None:
    comfy = _studio(someone / "ComfyUI", "comfyui")
    write(comfy / "models" / "checkpoints" / "good.safetensors", real("sd15"))
    cut = comfy / "models" / "checkpoints" / "cut.safetensors"
    cut.write_bytes(bytes(100))
    os.utime(cut, (time.time() - 60, time.time() - 60))
    listing = _found(folders, lambda found: _over(found) and found["candidates"])
    [candidate] = [c for c in listing["candidates"] if c["path"] == str(comfy)]

    folders.adopt(candidate["id"])
    listing = _found(folders, lambda found: _over(found) and len(found["folders"]) == 2)
    folder = listing["folders"][1]
    assert folder["counts"] == {"checkpoint": 2}
    [problem] = folder["problems"]
    assert (folder["broken"], problem["file"]) == (1, "cut.safetensors")
    assert problem["message"] and problem["cure"]


def test_only_what_the_server_found_can_be_named(folders: Folders, tmp_path: Path) -> None:
    for hostile in ("", "/etc", str(tmp_path), "../..", "\0", "0" * 24):
        with pytest.raises(NotFound):
            folders.adopt(hostile)
        with pytest.raises(NotFound):
            folders.remove(hostile)
    assert not (tmp_path / "data" / "settings.toml").exists()


def test_flags_and_environment_win_and_that_is_said(tmp_path: Path, opened) -> None:
    given = {"GESSO_MODELS": str(tmp_path / "models"), "GESSO_DATA": str(tmp_path / "data")}
    folders = opened(Settings.load({}, given))
    fixed = folders.listing()["fixed"]
    assert "GESSO_MODELS" in fixed["message"]
    with pytest.raises(RequestError, match="GESSO_MODELS"):
        folders.choose()
    [known] = folders.listing()["folders"]
    with pytest.raises(RequestError, match="GESSO_MODELS"):
        folders.remove(known["id"])


def test_a_folder_that_is_gone_is_said_to_be(tmp_path: Path, opened) -> None:
    folders = opened(Settings(models=(tmp_path / "gone",), data=tmp_path / "data"))
    [known] = folders.listing()["folders"]
    assert known["reachable"] is False


def test_without_a_desktop_the_cure_is_a_command(
    folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(RequestError, match="cannot open a dialog") as caught:
        folders.choose()
    assert f'gesso --models "{tmp_path / "models"}" --models FOLDER' in caught.value.cure


def test_what_the_dialog_says_is_used(
    folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = write(tmp_path / "mine é" / "ink.safetensors", lora()).parent
    answers = f"import json, sys; print('noise'); print(json.dumps({str(mine)!r}))"
    monkeypatch.setattr(folder_dialog, "_PROGRAM", answers)
    assert folders.choose()
    with pytest.raises(RequestError, match="in use already"):
        folders.choose()
    monkeypatch.setattr(folder_dialog, "_PROGRAM", "print('\"\"')")
    assert not folders.choose()
    assert [known["path"] for known in folders.listing()["folders"]][1:] == [str(mine)]


def test_no_dialog_opens_for_somebody_on_the_network(tmp_path: Path, opened) -> None:
    token = SecretStr("0123456789abcdef0123456789abcdef")
    settings = Settings(models=(), data=tmp_path, host="0.0.0.0", token=token)
    folders = opened(settings)
    with pytest.raises(RequestError, match="open to the network"):
        folders.choose()


def test_the_artists_own_words_stay_in_the_settings(tmp_path: Path) -> None:
    mine = "# Mine.\nport = 7900  # not 7860\n\n[strange]\nkey = [1,   2]\n"
    (tmp_path / "settings.toml").write_text(mine)
    folders = [tmp_path / 'quoted "é"', tmp_path / "second"]
    write_models(tmp_path, folders)
    write_models(tmp_path, folders)
    text = (tmp_path / "settings.toml").read_text()
    for kept in ("# Mine.", "port = 7900  # not 7860", "[strange]", "key = [1,   2]"):
        assert kept in text
    assert tomllib.loads(text)["models"] == list(map(str, folders))
    assert os.listdir(tmp_path) == ["settings.toml"]


def test_settings_that_cannot_be_written_are_left_as_they_were(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("models = [")
    with pytest.raises(SettingsError, match="cannot be read"):
        write_models(tmp_path, [tmp_path])
    assert file.read_text() == "models = ["
    with pytest.raises(SettingsError, match="not valid text"):
        write_models(tmp_path / "other", [tmp_path / "caf\udce9"])
    (tmp_path / "in the way").touch()
    with pytest.raises((StorageError, SettingsError)):
        write_models(tmp_path / "in the way", [tmp_path])
