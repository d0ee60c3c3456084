"""The process behind the door: what it gives, what it may not do, and how it ends."""

import os
import signal
import struct
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import psutil
import pytest
from PIL import Image

from pipelines.errors import ImageFileError
from pipelines.images import FOREIGN, Door, Limits
from tests.pipelines.images.pictures import bomb, chunk, encoded, picture

GOOD = encoded(picture())
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="needs the limits of Linux")


def through(door: Door, data: bytes, limits: Limits = FOREIGN) -> Image.Image:
    file = BytesIO()
    opened = door.open(data, file, limits)
    image = Image.open(file)
    assert (opened.width, opened.height) == image.size
    assert opened.has_alpha == (image.mode == "RGBA")
    return image


def test_a_picture_comes_through_as_a_png_without_metadata(door):
    data = encoded(picture(), "JPEG", exif=b"Exif\0\0garbage", comment=b"secret")
    file = BytesIO()
    opened = door.open(data, file)
    image = Image.open(file)
    assert (image.format, image.info) == ("PNG", {})
    assert b"secret" not in file.getvalue()
    assert len(opened.id) == 64
    assert opened.notices == ("What the camera noted (EXIF) is damaged and was passed over.",)
    assert Image.open(BytesIO(opened.thumbnail)).format == "JPEG"


def test_a_large_picture_comes_in_pieces(door):
    noise = Image.effect_noise((1500, 1200), 90).convert("RGB")
    assert through(door, encoded(noise, "BMP")).tobytes() == noise.tobytes()


def test_a_small_version_is_made_without_the_large_one(door):
    shown = Image.open(BytesIO(door.shrink(encoded(picture(900, 300)), 90)))
    assert (shown.format, shown.size) == ("JPEG", (90, 30))


def test_a_refusal_is_told_in_the_childs_words_and_the_child_lives(door):
    through(door, GOOD)
    pid = door.pid
    with pytest.raises(ImageFileError, match="damaged or cut off"):
        through(door, GOOD[:-30])
    assert through(door, GOOD).size == (32, 16)
    assert door.pid == pid


def test_a_bomb_is_refused_before_a_process_is_asked():
    door = Door()
    with pytest.raises(ImageFileError, match="too large"):
        through(door, bomb(13_000))
    assert door.pid is None


def test_a_decoder_that_reads_another_size_is_stopped(door):
    """A second header: what was looked at is not what would be decoded."""
    second = chunk(b"IHDR", struct.pack(">IIBBBBB", 20_000, 20_000, 1, 0, 0, 0, 0))
    with pytest.raises(ImageFileError):
        through(door, GOOD[:33] + second + GOOD[33:])


@LINUX
def test_memory_has_an_end(door):
    with pytest.raises(ImageFileError, match="memory"):
        through(door, bomb(30_000), Limits(pixels=2**40, side=2**20, least=1))
    assert through(door, GOOD).size == (32, 16)


@LINUX
def test_the_child_can_write_no_file_and_knows_nothing_of_the_environment(door):
    through(door, GOOD)
    child = psutil.Process(door.pid)
    assert child.rlimit(psutil.RLIMIT_FSIZE) == (0, 0)
    assert set(child.environ()) <= {"PYTHONPATH", "LD_LIBRARY_PATH", "LC_CTYPE"}


def test_a_child_that_is_killed_costs_one_picture():
    door = Door()
    try:
        through(door, GOOD)
        os.kill(door.pid, signal.SIGSTOP)
        killer = threading.Timer(0.3, os.kill, (door.pid, signal.SIGKILL))
        killer.start()
        with pytest.raises(ImageFileError, match="broke off"):
            through(door, GOOD)
        assert through(door, GOOD).size == (32, 16)
    finally:
        door.close()


def test_a_child_that_is_killed_between_two_pictures_costs_none():
    door = Door()
    try:
        through(door, GOOD)
        psutil.Process(door.pid).kill()
        psutil.Process(door.pid).wait(5)
        assert through(door, GOOD).size == (32, 16)
    finally:
        door.close()


def test_a_picture_that_takes_too_long_is_given_up():
    door = Door(patience_seconds=1.5)
    try:
        through(door, GOOD)
        os.kill(door.pid, signal.SIGSTOP)
        started = time.monotonic()
        with pytest.raises(ImageFileError) as refused:
            through(door, GOOD)
        assert time.monotonic() - started < 5
        assert refused.value.cure
        assert through(door, GOOD).size == (32, 16)
    finally:
        door.close()


def test_a_door_that_closes_waits_for_no_picture():
    door = Door()
    through(door, GOOD)
    os.kill(door.pid, signal.SIGSTOP)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(through, door, GOOD)
        time.sleep(0.2)
        started = time.monotonic()
        door.close()
        assert time.monotonic() - started < 5
        with pytest.raises(ImageFileError):
            waiting.result(5)


def test_the_child_ends_when_nothing_came_for_a_while():
    door = Door(idle_seconds=0.2)
    through(door, GOOD)
    child = psutil.Process(door.pid)
    child.wait(5)
    assert door.pid is None
    assert through(door, GOOD).size == (32, 16)
    door.close()
    assert door.pid is None


PARENT = """
import io, sys, time
from pipelines.images import Door
door = Door()
door.open(bytes.fromhex(sys.argv[1]), io.BytesIO())
print(door.pid, flush=True)
time.sleep(60)
"""


def test_the_child_does_not_outlive_a_parent_that_was_killed():
    command = [sys.executable, "-c", PARENT, GOOD.hex()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
        child.wait(5)


class FullDisk(BytesIO):
    def write(self, data) -> int:
        raise OSError(28, "No space left on device")


def test_a_full_disk_is_the_callers_to_tell_and_leaves_the_door_usable(door):
    noise = Image.effect_noise((900, 900), 90).convert("RGB")
    with pytest.raises(OSError, match="No space"):
        door.open(encoded(noise), FullDisk())
    assert through(door, GOOD).size == (32, 16)


def test_many_threads_each_get_their_own_picture(door):
    sizes = [(8 + n, 8 + 2 * n) for n in range(12)]
    found = {}

    def bring(size: tuple[int, int]) -> None:
        found[size] = through(door, encoded(picture(*size))).size

    threads = [threading.Thread(target=bring, args=(size,)) for size in sizes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {size: size for size in sizes}
