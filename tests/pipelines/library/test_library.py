"""What the artist drops into a folder is listed, named and found; what is broken says why."""

from __future__ import annotations

import os
import pickle
import shutil
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.errors import ModelFileError, UnknownModel
from pipelines.families import families, variants
from pipelines.library.entry import Entry
from pipelines.library.library import Library
from tests.pipelines.library.files import PRESETS, VAE, aged, f16, head, lora, real, write
from tests.trouble import unprivileged


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


def _open(*folders: Path, cache: Path | None = None, settle: float = 2.0) -> Library:
    library = Library(folders, families(), variants([PRESETS]), cache, settle)
    library.scan()
    return library


def _only(library: Library) -> Entry:
    [entry] = library.entries()
    return entry


def _names(library: Library) -> list[str]:
    return [entry.name for entry in library.entries()]


def test_each_file_is_listed_by_what_is_in_it_wherever_it_lies(models: Path) -> None:
    write(models / "painter.safetensors", real("sd15"))
    write(models / "loras" / "painter xl.safetensors", real("sdxl"))
    write(models / "checkpoints" / "ink.safetensors", lora(768))
    write(models / "anywhere" / "deep" / "soft.safetensors", VAE)

    found = {entry.name: entry for entry in _open(models).entries()}

    assert {name: (e.role, e.family, e.variant) for name, e in found.items()} == {
        "painter": ("checkpoint", "sd1", "sd15"),
        "painter xl": ("checkpoint", "sdxl", "sdxl"),
        "ink": ("lora", "sd1", None),
        "anywhere/deep/soft": ("vae", None, None),
    }
    assert found["painter"].dtype == "F16"
    assert found["painter"].size_bytes == (models / "painter.safetensors").stat().st_size
    assert found["painter"].usable


def test_a_file_that_is_dropped_in_appears_and_one_that_is_removed_goes(models: Path) -> None:
    library = _open(models)
    assert not library.scan()

    path = write(models / "ink.safetensors", lora())
    assert library.scan()
    assert _names(library) == ["ink"]
    assert not library.scan()

    path.unlink()
    assert library.scan()
    assert _names(library) == []


def test_a_file_replaced_under_its_name_is_looked_at_again(models: Path) -> None:
    write(models / "x.safetensors", lora(768))
    library = _open(models)
    write(models / "x.safetensors", lora(2048))
    library.scan()
    assert _only(library).family == "sdxl"


def test_a_folder_that_appears_later_is_scanned(models: Path) -> None:
    shutil.rmtree(models)
    library = _open(models)
    write(models / "ink.safetensors", lora())
    library.scan()
    assert _names(library) == ["ink"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.safetensors", b"", "empty"),
        ("page.safetensors", b"<html>", "web page"),
        ("pointer.safetensors", b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        ("pickle.safetensors", pickle.dumps({}), "pickled"),
        ("garbage.safetensors", os.urandom(3).join([b"\xff" * 9, b"x"]), "not a model file"),
        ("short.ckpt", b"", "empty"),
        ("page.ckpt", b"<!doctype html>", "web page"),
        ("model.gguf", b"GGUF" + bytes(60), "GGUF"),
        ("x.safetensors.part", head(lora())[0], "still being downloaded"),
        ("x.safetensors.TMP", b"", "still being downloaded"),
        ("Unconfirmed 123.crdownload", b"", "still being downloaded"),
    ],
)
def test_a_file_that_cannot_be_used_is_listed_with_its_reason(
    models: Path, name: str, content: bytes, said: str
) -> None:
    path = models / "checkpoints" / name
    path.parent.mkdir()
    path.write_bytes(content)
    aged(path)

    entry = _only(_open(models))

    assert entry.role == "checkpoint"
    assert not entry.usable
    assert entry.problem is not None
    assert said in entry.problem.message
    assert entry.problem.cure
    with pytest.raises(ModelFileError, match=said):
        entry.check()


def test_a_truncated_file_is_listed_and_well_once_it_is_whole(models: Path) -> None:
    write(models / "loras" / "x.safetensors", lora(), missing=100)
    library = _open(models)
    entry = _only(library)
    assert entry.problem is not None and "incomplete" in entry.problem.message
    assert entry.role == "lora"

    write(models / "loras" / "x.safetensors", lora())
    library.scan()
    assert _only(library).usable


def test_a_file_that_is_still_being_copied_waits_until_it_lies_still(models: Path) -> None:
    path = write(models / "x.safetensors", lora(), missing=100, age=0)
    library = _open(models, settle=0.3)
    entry = _only(library)
    assert entry.pending
    assert entry.problem is not None and "still being copied" in entry.problem.message

    write(path, lora(), age=0)
    library.scan()
    assert _only(library).pending

    time.sleep(0.35)
    library.scan()
    assert _only(library).usable


def test_a_download_in_segments_is_partial_while_its_control_file_is_there(models: Path) -> None:
    write(models / "x.safetensors", lora())
    control = models / "x.safetensors.aria2"
    control.write_bytes(b"")
    library = _open(models)
    assert [e.usable for e in library.entries()] == [False, False]

    control.unlink()
    library.scan()
    assert _only(library).usable


def test_pipes_sockets_folders_and_broken_links_are_listed_and_never_opened(models: Path) -> None:
    os.mkfifo(models / "pipe.safetensors")
    (models / "folder.safetensors").mkdir()
    (models / "broken.safetensors").symlink_to(models / "nowhere")
    (models / "loop.safetensors").symlink_to(models / "loop.safetensors")

    problems = {e.name: e.problem.message for e in _open(models).entries() if e.problem}

    assert problems == {
        "pipe": "pipe.safetensors is a pipe or a device, not a file.",
        "folder": "folder.safetensors is a folder, not a model file.",
        "broken": "broken.safetensors is a link to a file that is not there.",
        "loop": "loop.safetensors is a link to a file that is not there.",
    }


def test_links_are_followed_once_and_out_of_the_folder_only_if_allowed(
    models: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    write(elsewhere / "ink.safetensors", lora())
    (models / "shared").symlink_to(elsewhere)
    (models / "again").symlink_to(models)
    (elsewhere / "back").symlink_to(models)
    (models / "linked.safetensors").symlink_to(elsewhere / "ink.safetensors")

    write(models / "mine" / "wash.safetensors", lora())
    (models / "inside").symlink_to(models / "mine")

    allowed = Library([models], families(), variants([PRESETS]), follow_links=True)
    allowed.scan()
    assert [e.name for e in allowed.entries()] == ["linked", "mine/wash", "shared/ink"]

    refused = {e.name: e.problem and e.problem.message for e in _open(models).entries()}
    assert refused == {
        "mine/wash": None,
        "linked": "linked.safetensors is a link that leads out of the model folder.",
        "shared": "shared is a link that leads out of the model folder.",
    }


@pytest.fixture
def ordinary_user() -> Iterator[Path]:
    """A folder in which this process has no more rights than any user."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    write(folder / "closed.safetensors", lora()).chmod(0)
    write(folder / "closed folder" / "x.safetensors", lora())
    (folder / "closed folder").chmod(0)
    with unprivileged():
        yield folder
    (folder / "closed folder").chmod(0o755)
    shutil.rmtree(folder)


def test_what_may_not_be_read_is_listed_as_such(ordinary_user: Path) -> None:
    problems = {e.name: e.problem.message for e in _open(ordinary_user).entries() if e.problem}
    assert problems == {
        "closed": "closed.safetensors may not be read by this user.",
        "closed folder": "closed folder cannot be opened.",
    }


def test_files_of_no_interest_are_passed_over(models: Path) -> None:
    for name in ("notes.txt", "x.png", "._x.safetensors", ".hidden.safetensors", "a.tmp", "x.zip"):
        (models / name).write_bytes(b"")
    write(models / ".cache" / "x.safetensors", lora())
    assert _names(_open(models)) == []


def test_the_extension_may_be_in_any_case(models: Path) -> None:
    write(models / "x.SafeTensors", lora())
    write(models / "y.SFT", lora())
    assert _names(_open(models)) == ["x", "y"]


def test_pickled_files_are_listed_and_never_believed(models: Path, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, (str(tmp_path / "sprung"),)

    for name in ("checkpoints/a.ckpt", "vae/b.pt", "hypernetworks/c.pt", "upscalers/d.pth"):
        path = models / name
        path.parent.mkdir()
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x/data.pkl", pickle.dumps(Trap()))
        aged(path)

    entries = {entry.name: entry for entry in _open(models).entries()}

    roles = {name: entry.role for name, entry in entries.items()}
    assert roles == {"a": "checkpoint", "b": "vae", "c": "hypernetwork", "d": "upscaler"}
    assert all(entry.pickled for entry in entries.values())
    assert [name for name in "abcd" if entries[name].problem is None] == ["d"]
    with pytest.raises(ModelFileError, match="could run a program"):
        entries["d"].check()
    assert not (tmp_path / "sprung").exists()


def test_a_pickle_that_is_older_than_stable_diffusion_says_so(models: Path) -> None:
    (models / "embeddings").mkdir()
    aged(_written(models / "embeddings" / "x.pt", pickle.dumps({})))
    entry = _only(_open(models))
    assert (entry.role, entry.pickled, entry.usable) == ("embedding", True, False)
    assert entry.problem is not None and "older than Stable" in entry.problem.message


def test_a_safetensors_file_called_ckpt_is_read_as_what_it_is(models: Path) -> None:
    write(models / "x.ckpt", real("sd15"))
    entry = _only(_open(models))
    assert (entry.variant, entry.pickled) == ("sd15", False)


def test_a_checkpoint_without_vae_says_so(models: Path) -> None:
    tensors = {k: v for k, v in real("sd15").items() if not k.startswith("first_stage_model.")}
    write(models / "x.safetensors", tensors)
    entry = _only(_open(models))
    assert entry.role == "checkpoint"
    assert entry.problem is not None and "has no VAE" in entry.problem.message


def test_tensors_of_no_known_kind_are_listed_under_their_folder(models: Path) -> None:
    write(models / "checkpoints" / "x.safetensors", {"weight": f16(3)})
    entry = _only(_open(models))
    assert entry.role == "checkpoint"
    assert entry.problem is not None and "does not know" in entry.problem.message


HOSTILE_NAMES = [
    "spaces and 'quotes' \"double\"",
    "🦊 fuchs",
    "مرحبا",
    "line\nbreak",
    "<img src=x onerror=alert(1)>",
    "\u202egpj.exe",
    "x" * 243,
    "-rf",
    "...",
]


@pytest.mark.parametrize("stem", HOSTILE_NAMES)
def test_any_name_works_and_prints_on_one_line(models: Path, stem: str) -> None:
    write(models / f"{stem}.safetensors", lora())
    if stem == "...":
        assert _names(_open(models)) == []
        return
    library = _open(models)
    entry = _only(library)
    assert entry.usable
    assert len(entry.name.splitlines()) == 1
    assert "\u202e" not in entry.name
    assert library.find(entry.name, "lora") == entry
    entry.name.encode("utf-8")


def test_names_that_are_not_utf8_are_written_out(models: Path) -> None:
    for raw in (b"caf\xe9.safetensors", b"caf\xe8.safetensors"):
        write(models / os.fsdecode(raw), lora())
    library = _open(models)
    assert _names(library) == ["caf\\xe8", "caf\\xe9"]
    assert library.find("caf\\xe9", "lora").path.exists()


def test_equal_stems_in_different_folders_are_distinct(models: Path) -> None:
    write(models / "loras" / "a" / "ink.safetensors", lora())
    write(models / "loras" / "b" / "ink.safetensors", lora())
    assert _names(_open(models)) == ["a/ink", "b/ink"]


def test_names_taken_by_an_earlier_folder_or_format_get_longer(tmp_path: Path) -> None:
    one, two = tmp_path / "one" / "mine", tmp_path / "two" / "mine"
    write(one / "loras" / "ink.safetensors", lora())
    write(one / "ink.safetensors", lora())
    write(two / "loras" / "ink.safetensors", lora())
    aged(_written(one / "loras" / "ink.ckpt", pickle.dumps({})))

    paths = {e.name: e.path.relative_to(tmp_path).as_posix() for e in _open(one, two).entries()}

    assert paths == {
        "ink": "one/mine/ink.safetensors",
        "ink.safetensors": "one/mine/loras/ink.safetensors",
        "ink.ckpt": "one/mine/loras/ink.ckpt",
        "mine/ink.safetensors": "two/mine/loras/ink.safetensors",
    }


def test_a_name_is_found_in_every_form_people_write_it(models: Path) -> None:
    path = write(models / "loras" / "anime" / "Ink Wash.safetensors", lora())
    library = _open(models)
    for name in (
        "anime/Ink Wash",
        "anime/Ink Wash.safetensors",
        "anime\\Ink Wash",
        "Ink Wash",
        "Ink Wash.safetensors",
        "ink wash",
        " Ink Wash ",
    ):
        assert library.find(name, "lora").path == path


def test_a_name_that_several_share_asks_which(models: Path) -> None:
    write(models / "a" / "ink.safetensors", lora())
    write(models / "b" / "ink.safetensors", lora())
    with pytest.raises(UnknownModel) as caught:
        _open(models).find("ink", "lora")
    assert caught.value.cure == "Choose one of: a/ink, b/ink."


def test_an_exact_name_wins_over_an_ending(models: Path) -> None:
    write(models / "a" / "ink.safetensors", lora())
    path = write(models / "ink.safetensors", lora())
    assert _open(models).find("ink", "lora").path == path


def test_a_name_that_is_almost_right_is_met_with_the_right_one(models: Path) -> None:
    write(models / "watercolour.safetensors", lora())
    library = _open(models)
    with pytest.raises(UnknownModel) as caught:
        library.find("watercolor", "lora")
    assert caught.value.cure == "Did you mean watercolour?"
    with pytest.raises(UnknownModel, match="Put the LoRA into"):
        library.find("zzz", "lora")
    with pytest.raises(UnknownModel):
        library.find("watercolour", "vae")


def test_the_picture_beside_a_file_is_its_preview(models: Path) -> None:
    write(models / "ink.safetensors", lora())
    library = _open(models)
    assert _only(library).preview is None

    (models / "ink.preview.png").write_bytes(b"")
    library.scan()
    assert _only(library).preview == models / "ink.preview.png"

    (models / "ink.png").write_bytes(b"")
    library.scan()
    assert _only(library).preview == models / "ink.png"


def test_notes_beside_a_file_are_read_and_read_again_when_they_change(models: Path) -> None:
    write(models / "ink.safetensors", lora(), {"modelspec.title": "Ink"})
    library = _open(models)
    assert _only(library).training.title == "Ink"

    _written(models / "ink.json", b'{"activation text": "inkwash, sumi-e"}')
    library.scan()
    assert _only(library).training.trigger_words == ("inkwash", "sumi-e")

    _written(models / "ink.json", b'{"activation text": "brush"}')
    library.scan()
    assert _only(library).training.trigger_words == ("brush",)


def test_a_training_config_beside_a_checkpoint_says_what_it_predicts(models: Path) -> None:
    write(models / "rain.safetensors", real("sd2"))
    library = _open(models)
    assert _only(library).note is not None and "Prediction" in _only(library).note

    for text, variant in (
        ("model:\n  params:\n    parameterization: v\n", "sd2-v"),
        ("model:\n  params:\n    linear_start: 0.00085\n", "sd2"),
    ):
        _written(models / "rain.yaml", text.encode())
        library.scan()
        assert (_only(library).variant, _only(library).note) == (variant, None)


def test_a_config_that_would_run_code_is_not_obeyed(models: Path, tmp_path: Path) -> None:
    write(models / "rain.safetensors", real("sd2"))
    trap = f"model: !!python/object/apply:os.mkdir ['{tmp_path / 'sprung'}']\n"
    _written(models / "rain.yaml", trap.encode())
    assert _only(_open(models)).variant == "sd2-v"
    assert not (tmp_path / "sprung").exists()


def test_the_second_time_nothing_is_opened_that_has_not_changed(
    models: Path, tmp_path: Path
) -> None:
    path = write(models / "painter.safetensors", real("sd15"))
    before = _open(models, cache=tmp_path / "cache.sqlite").entries()

    # The same size and time, other contents: only one that opened the file would notice.
    status = path.stat()
    with path.open("r+b") as file:
        file.write(bytes(100))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    assert _open(models, cache=tmp_path / "cache.sqlite").entries() == before


def test_a_problem_is_not_remembered_past_its_cure(models: Path, tmp_path: Path) -> None:
    path = write(models / "painter.safetensors", real("sd15"))
    status = path.stat()
    with path.open("r+b") as file:
        whole = file.read(100)
        file.seek(0)
        file.write(bytes(100))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert not _only(_open(models, cache=tmp_path / "cache.sqlite")).usable

    with path.open("r+b") as file:
        file.write(whole)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert _only(_open(models, cache=tmp_path / "cache.sqlite")).usable


def test_a_folder_that_takes_long_is_read_in_the_background(models: Path) -> None:
    for i in range(300):
        write(models / f"{i}.safetensors", lora())
    library = Library([models], families(), variants([PRESETS]))

    library.scan(patience=0)
    assert library.progress.scanning

    library.wait()
    assert library.progress == (False, 300, 300)
    assert [e.problem for e in library.entries()] == [None] * 300
    library.close()


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
