"""The engine's surroundings: buffers are kept, nothing is fetched."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.engine.environment import engine_environment

ROOT = Path(__file__).resolve().parents[3]

FAULTS = """
import resource, sys, threading
import numpy as np
from pipelines.engine.environment import settle_in

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(8):
        for megabytes in (40, 90):
            np.empty(megabytes << 20, np.uint8)[::4096] = 1
    counted.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)

counted = []
if sys.argv[1] == "settled":
    settle_in()
for _ in range(2):
    thread = threading.Thread(target=faults)
    thread.start()
    thread.join()
print(counted[-1])
"""


def test_buffers_are_kept_and_nothing_is_fetched():
    environment = engine_environment({"PATH": "/bin", "HF_HUB_OFFLINE": "0"})
    assert environment["PATH"] == "/bin"
    assert environment["MALLOC_MMAP_MAX_"] == "0"
    assert int(environment["MALLOC_TRIM_THRESHOLD_"]) > 2**36
    assert environment["HF_HUB_OFFLINE"] == "1"


def test_an_allocator_chosen_by_the_artist_stays():
    assert engine_environment({"MALLOC_ARENA_MAX": "4"})["MALLOC_ARENA_MAX"] == "4"


def test_the_environment_given_is_not_changed():
    base = {"PATH": "/bin"}
    engine_environment(base)
    assert base == {"PATH": "/bin"}


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another allocator")
def test_a_thread_that_takes_the_same_buffers_again_faults_nothing_in():
    def faults(how: str) -> int:
        command = [sys.executable, "-c", FAULTS, how]
        return int(subprocess.check_output(command, cwd=ROOT, env={"OMP_NUM_THREADS": "1"}))

    assert faults("settled") < 100 < faults("as it is")
