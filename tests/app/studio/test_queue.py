"""The queue keeps every job, in order, through anything that ends a process."""

import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from app.studio.errors import DataInUse
from app.studio.queue import PROMPT_SHOWN, Queue
from pipelines.draft import Draft
from pipelines.errors import StorageError
from pipelines.events import Failed
from pipelines.geometry import Size
from pipelines.recipe import ModelRef, Recipe

ROOT = Path(__file__).resolve().parents[3]


def recipes(prompt: str = "a red house", count: int = 2) -> list[Recipe]:
    one = Recipe(
        prompt=prompt,
        seed=2**64 - 1,
        size=Size(width=64, height=64),
        checkpoint=ModelRef(name="tiny"),
    )
    return [one.model_copy(update={"seed": one.seed - k}) for k in range(count)]


def add(queue: Queue, prompt: str = "a red house", count: int = 2):
    return queue.add(Draft(prompt=prompt, count=count), recipes(prompt, count))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "jobs.sqlite"


@pytest.fixture
def queue(file: Path):
    opened = Queue(file)
    yield opened
    opened.close()


def test_a_job_waits_then_runs_then_is_done(queue):
    job = add(queue)
    assert (job.state, job.count, job.ahead, job.pictures) == ("queued", 2, 0, ())
    taken, decided = queue.take()
    assert taken == job.id
    assert decided == recipes()
    assert queue.get(job.id).state == "running"
    queue.saved(job.id, "first")
    queue.saved(job.id, "second")
    queue.end(job.id, "done")
    over = queue.get(job.id)
    assert (over.state, over.pictures, over.error) == ("done", ("first", "second"), None)
    assert over.created_at <= over.started_at <= over.ended_at


def test_jobs_are_taken_in_the_order_they_came(queue):
    jobs = [add(queue, f"number {k}") for k in range(5)]
    assert [queue.take()[0] for _ in jobs] == [job.id for job in jobs]
    assert queue.take() is None


def test_a_waiting_job_knows_how_many_come_before_it(queue):
    first, second, third = (add(queue) for _ in range(3))
    queue.take()
    assert [queue.get(job.id).ahead for job in (first, second, third)] == [0, 1, 2]
    queue.end(first.id, "done")
    assert queue.get(third.id).ahead == 1


def test_a_failed_job_keeps_what_went_wrong(queue):
    job = add(queue)
    queue.take()
    queue.end(job.id, "failed", Failed(kind="OutOfMemory", message="m", cure="c", field="size"))
    kept = {"kind": "OutOfMemory", "message": "m", "cure": "c", "field": "size"}
    assert queue.get(job.id).error == kept


def test_only_a_waiting_job_can_be_cancelled_in_the_queue(queue):
    running, waiting = add(queue), add(queue)
    queue.take()
    assert not queue.cancel_waiting(running.id)
    assert queue.cancel_waiting(waiting.id)
    assert not queue.cancel_waiting(waiting.id)
    assert not queue.cancel_waiting("no such job")
    assert queue.take() is None


def test_ending_a_job_twice_changes_nothing(queue):
    job = add(queue)
    queue.take()
    queue.end(job.id, "cancelled")
    queue.end(job.id, "done")
    assert queue.get(job.id).state == "cancelled"


def test_the_list_shows_the_newest_first_and_always_the_running_one(queue):
    jobs = [add(queue, f"number {k}") for k in range(8)]
    queue.take()
    assert [job.id for job in queue.recent(3)] == [jobs[k].id for k in (7, 6, 5, 0)]


def test_the_list_shows_the_beginning_of_a_long_prompt(queue):
    assert len(add(queue, "x" * 9000, 1).prompt) == PROMPT_SHOWN


def test_a_hostile_prompt_is_only_text(queue):
    prompt = "'); DROP TABLE jobs; -- \x00 \u202e <img onerror=x> \U0001f600"
    job = add(queue, prompt)
    assert queue.get(job.id).prompt == prompt
    assert queue.take()[1][0].prompt == prompt


def test_the_queue_is_the_same_after_it_was_closed_and_opened(file):
    before = Queue(file)
    jobs = [add(before, f"number {k}") for k in range(3)]
    before.close()
    after = Queue(file)
    assert [job.id for job in reversed(after.recent(10))] == [job.id for job in jobs]
    after.close()


def test_a_killed_process_loses_no_job_and_its_running_one_says_so(file):
    program = textwrap.dedent(
        f"""
        import sys, time
        from pathlib import Path
        from app.studio.queue import Queue
        from tests.app.studio.test_queue import add
        queue = Queue(Path({str(file)!r}))
        ids = [add(queue, f"number {{k}}").id for k in range(3)]
        queue.take()
        queue.saved(ids[0], "a picture")
        print(*ids, flush=True)
        time.sleep(60)
        """
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    ids = process.stdout.readline().split()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    queue = Queue(file)
    assert queue.recover() == 1
    interrupted = queue.get(ids[0])
    assert (interrupted.state, interrupted.pictures) == ("failed", ("a picture",))
    assert "Run it again" in interrupted.error["cure"]
    assert [queue.take()[0] for _ in range(2)] == ids[1:]
    queue.close()


def test_a_second_studio_on_the_same_data_is_told_so(queue, file):
    program = (
        f"from app.studio.queue import Queue; import pathlib; Queue(pathlib.Path({str(file)!r}))"
    )
    second = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert "DataInUse: Another Gesso is already working in" in second.stderr
    with pytest.raises(DataInUse):
        Queue(file)


def test_a_damaged_file_is_kept_aside_and_a_new_queue_begins(file):
    file.parent.mkdir()
    file.write_bytes(b"this was a database once" * 100)
    queue = Queue(file)
    assert queue.recent(10) == []
    add(queue)
    queue.close()
    [aside] = file.parent.glob("jobs.sqlite.damaged-*")
    assert aside.read_bytes().startswith(b"this was")


def test_a_data_folder_that_cannot_be_made_is_a_sentence(tmp_path):
    (tmp_path / "data").write_text("a file in the way")
    with pytest.raises(StorageError, match="--data"):
        Queue(tmp_path / "data" / "jobs.sqlite")


def test_many_threads_at_once_take_each_job_once(queue):
    jobs = {add(queue).id for _ in range(20)}
    taken: list[str] = []

    def take() -> None:
        while (found := queue.take()) is not None:
            taken.append(found[0])

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 20
    assert set(taken) == jobs


def test_the_file_is_an_ordinary_database_once_the_studio_is_closed(file):
    queue = Queue(file)
    add(queue)
    queue.close()
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT state FROM jobs").fetchall() == [("queued",)]
    connection.close()
