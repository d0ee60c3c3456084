"""Settings: default < file < environment < flags; a wrong one says where it may have come from."""

from pathlib import Path

import pytest

from app.settings import Settings, SettingsError, is_loopback


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path


def write(data: Path, text: str) -> None:
    (data / "settings.toml").write_text(text, encoding="utf-8")


def test_flags_win_over_the_environment_and_that_over_the_file(data):
    write(data, "port = 1111\nthreads = 3\ndtype = 'float32'")
    environment = {"GESSO_PORT": "2222", "GESSO_THREADS": "4", "GESSO_DATA": str(data)}
    settings = Settings.load({"port": "3333"}, environment)
    assert (settings.port, settings.threads, settings.dtype) == (3333, 4, "float32")


def test_without_anything_said_folders_stand_side_by_side():
    settings = Settings.load({}, {})
    assert settings.outputs.parent == settings.data.parent == settings.models[0].parent
    assert settings.port == 7860


def test_several_model_folders_come_from_one_variable(data):
    settings = Settings.load({"data": str(data)}, {"GESSO_MODELS": f"{data}/a:{data}/b"})
    assert settings.models == (data / "a", data / "b")


def test_relative_folders_are_made_absolute(data, monkeypatch):
    monkeypatch.chdir(data)
    assert Settings.load({"models": ["here"]}, {}).models == (data / "here",)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"port": "abc"}, "Port"),
        ({"port": "70000"}, "65535"),
        ({"device": "toaster"}, "Device"),
        ({"dtype": "int4"}, "Dtype"),
        ({"threads": "0"}, "Threads"),
        ({"colour": "red"}, "not a setting"),
        ({"host": "0.0.0.0"}, "network"),
        ({"host": "192.168.1.5"}, "network"),
        ({"host": "example.org"}, "network"),
    ],
)
def test_a_wrong_setting_is_a_sentence_with_a_cure(data, flags, said):
    with pytest.raises(SettingsError, match=said) as caught:
        Settings.load({"data": str(data), **flags}, {})
    assert "GESSO_" in caught.value.cure


def test_a_broken_file_is_named(data):
    write(data, "port = = 3")
    with pytest.raises(SettingsError, match=r"settings\.toml cannot be read"):
        Settings.load({"data": str(data)}, {})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_is_recognised(host):
    assert is_loopback(host)
