"""A file is there whole, or as it was; who may read it stays the same."""

import os
import stat

import pytest

from app.studio.whole import write_whole
from tests.trouble import full_disk


def test_a_file_is_written_with_its_folder_and_nothing_else(tmp_path):
    write_whole(tmp_path / "new" / "file", b"all of it")
    assert (tmp_path / "new" / "file").read_bytes() == b"all of it"
    assert os.listdir(tmp_path / "new") == ["file"]


def test_on_a_full_disk_it_is_as_it_was_and_nothing_is_left_behind(tmp_path):
    file = tmp_path / "file"
    write_whole(file, b"before")
    with full_disk(), pytest.raises(OSError):
        write_whole(file, b"far too much for this disk")
    assert file.read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["file"]


def test_what_only_its_owner_may_read_stays_so(tmp_path):
    secret = tmp_path / "settings.toml"
    secret.write_text("token")
    secret.chmod(0o600)
    write_whole(secret, b"token, and more")
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600


def test_a_link_stays_a_link(tmp_path):
    link, file = tmp_path / "link", tmp_path / "elsewhere" / "file"
    link.symlink_to(file)
    for body in (b"one", b"two"):
        write_whole(link, body)
        assert (link.is_symlink(), file.read_bytes()) == (True, body)
