"""Settings: default < file < environment < flags; a wrong one says where it may have come from."""

from pathlib import Path

import pytest

from app.settings import Settings, SettingsError, is_loopback, new_token


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


def test_budgets_are_gigabytes_or_left_to_the_machine(data):
    write(data, "ram_budget = 'auto'\ndevice_budget = 7.5")
    settings = Settings.load({"data": str(data)}, {})
    assert (settings.ram_budget_bytes, settings.device_budget_bytes) == (None, 7_500_000_000)
    settings = Settings.load(
        {"data": str(data), "ram_budget": "12"}, {"GESSO_DEVICE_BUDGET": "auto"}
    )
    assert (settings.ram_budget_bytes, settings.device_budget_bytes) == (12 * 10**9, None)


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


def test_the_file_in_a_data_folder_within_home_is_read(data, monkeypatch):
    monkeypatch.setenv("HOME", str(data))
    (data / "mine").mkdir()
    (data / "mine" / "settings.toml").write_text("port = 7999")
    settings = Settings.load({}, {"GESSO_DATA": "~/mine"})
    assert (settings.port, settings.data) == (7999, data / "mine")


@pytest.mark.parametrize("line", ["token_file = 5", "models = 5", "port = [1]", "allow_host = {}"])
def test_a_line_of_the_wrong_kind_in_the_file_is_a_sentence(data, line):
    (data / "settings.toml").write_text(line)
    with pytest.raises(SettingsError) as caught:
        Settings.load({"data": str(data)}, {})
    assert caught.value.cure


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"port": "abc"}, "Port"),
        ({"port": "70000"}, "65535"),
        ({"device": "toaster"}, "Device"),
        ({"dtype": "int4"}, "Dtype"),
        ({"threads": "0"}, "Threads"),
        ({"ram_budget": "lots"}, "Ram budget"),
        ({"device_budget": "-1"}, "Device budget"),
        ({"ram_budget": "inf"}, "Ram budget"),
        ({"colour": "red"}, "not a setting"),
        ({"host": "example.org"}, "Host"),
        ({"models": ["~nobody-of-this-name/models"]}, "home folder"),
    ],
)
def test_a_wrong_setting_is_a_sentence_with_a_cure(data, flags, said):
    with pytest.raises(SettingsError, match=said) as caught:
        Settings.load({"data": str(data), **flags}, {})
    assert "GESSO_" in caught.value.cure


TOKEN = "correct horse battery".replace(" ", "-")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5"])
def test_the_network_needs_a_token_and_the_cure_offers_one_that_works(data, host):
    with pytest.raises(SettingsError, match="Without a token") as caught:
        Settings.load({"data": str(data), "host": host}, {})
    offered = caught.value.cure.rpartition("--token ")[2]
    assert Settings.load({"data": str(data), "host": host, "token": offered}, {}).host == host


def test_another_name_on_loopback_needs_a_token_too(data):
    """Behind a proxy, loopback is everybody."""
    with pytest.raises(SettingsError, match="Without a token"):
        Settings.load({"data": str(data), "allow_host": ["studio.example"]}, {})


def test_each_offered_token_is_another(data):
    assert len({new_token() for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "token", ["", "short", "a" * 40, "fifteen-letters", "w\u00f6rter-mit-umlaut"]
)
def test_a_weak_token_is_refused_without_being_shown(data, token):
    with pytest.raises(SettingsError) as caught:
        Settings.load({"data": str(data), "token": token}, {})
    assert not token or token not in str(caught.value)


def test_a_token_comes_from_flag_file_or_environment_and_is_never_printed(data):
    (data / "secret").write_text(TOKEN + "\n")
    write(data, "token = 'of-the-settings-file-1'")
    around = {"GESSO_TOKEN": "of-the-environment-12", "GESSO_DATA": str(data)}
    by_file = Settings.load({"token_file": str(data / "secret")}, around)
    by_environment = Settings.load({}, around)
    by_settings = Settings.load({"data": str(data)}, {})
    found = [one.token.get_secret_value() for one in (by_file, by_environment, by_settings)]
    assert found == [TOKEN, "of-the-environment-12", "of-the-settings-file-1"]
    assert TOKEN not in repr(by_file)


def test_a_token_file_that_is_not_there_is_a_sentence(data):
    with pytest.raises(SettingsError, match="cannot be read") as caught:
        Settings.load({"data": str(data), "token_file": str(data / "absent")}, {})
    assert caught.value.field == "token_file"


def test_a_broken_file_is_named(data):
    write(data, "port = = 3")
    with pytest.raises(SettingsError, match=r"settings\.toml cannot be read"):
        Settings.load({"data": str(data)}, {})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_is_recognised(host):
    assert is_loopback(host)
