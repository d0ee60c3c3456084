"""The queue keeps every job, in order, through anything that ends a process."""

import json
import re
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from app.studio.errors import DataInUse, NotFound
from app.studio.gallery import Gallery
from app.studio.queue import PROMPT_SHOWN, Queue
from app.studio.worker import Worker
from pipelines.engine.remote import EngineProcess
from pipelines.errors import RequestError, StorageError
from pipelines.events import Failed
from pipelines.geometry import Size
from pipelines.recipe import ModelRef, Recipe

ROOT = Path(__file__).resolve().parents[3]


def recipes(prompt: str = "a red house", count: int = 2) -> list[dict]:
    one = Recipe(
        prompt=prompt,
        seed=2**64 - 1,
        size=Size(width=64, height=64),
        checkpoint=ModelRef(name="tiny"),
    )
    return [
        one.model_copy(update={"seed": one.seed - k}).model_dump(mode="json") for k in range(count)
    ]


def add(queue: Queue, prompt: str = "a red house", count: int = 2, first: bool = False):
    return queue.add("render", prompt, recipes(prompt, count), first=first)


def waiting(queue: Queue) -> list[str]:
    return [job.prompt for job in queue.listed(100, 0) if job.state == "queued"]


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
    assert (job.kind, job.state, job.count, job.pictures) == ("render", "queued", 2, ())
    taken = queue.take()
    assert taken.id == job.id
    assert list(taken.work) == recipes()
    assert queue.get(job.id).state == "running"
    for picture in taken.planned:
        queue.saved(job.id, picture)
    queue.end(job.id, "done")
    over = queue.get(job.id)
    assert (over.state, over.pictures, over.error) == ("done", taken.planned, None)
    assert over.created_at <= over.started_at <= over.ended_at


def test_what_was_done_otherwise_is_kept_with_a_job_once_and_over_a_restart(file):
    queue = Queue(file)
    job, other = add(queue), add(queue)
    queue.take()
    tiled, streamed = "It was decoded in tiles.", "Weights were streamed."
    for notice in (tiled, streamed, tiled):
        queue.noticed(job.id, notice)
    queue.close()
    again = Queue(file)
    assert again.get(job.id).notices == (tiled, streamed)
    assert again.get(other.id).notices == ()
    again.close()


def test_a_queue_of_the_second_version_is_taken_over(file):
    queue = Queue(file)
    job = add(queue)
    queue.close()
    with sqlite3.connect(file) as second:
        second.execute("ALTER TABLE jobs DROP COLUMN notices")
        second.execute("PRAGMA user_version = 2")
    second.close()
    again = Queue(file)
    assert again.get(job.id) == job
    again.close()


def test_pictures_are_named_when_their_job_is_taken_each_name_greater_than_the_last(queue):
    for count in (3, 1, 2):
        add(queue, count=count)
    names = [name for _ in range(3) for name in queue.take().planned]
    assert names == sorted(set(names))
    assert len(names) == 6
    assert all(re.fullmatch(r"\d{8}-\d{6}-\d{3}-\d{20}", name) for name in names)
    assert names[1].endswith(f"-{2**64 - 2}")


def test_jobs_are_taken_in_the_order_they_came(queue):
    jobs = [add(queue, f"number {k}") for k in range(5)]
    assert [queue.take().id for _ in jobs] == [job.id for job in jobs]
    assert queue.take() is None


def test_a_job_can_be_put_before_all_others(queue):
    for prompt, first in (("b", False), ("c", False), ("a", True)):
        add(queue, prompt, first=first)
    assert waiting(queue) == ["a", "b", "c"]


def test_waiting_jobs_are_moved_before_one_another_or_to_the_end(queue):
    a, b, c, d = (add(queue, prompt) for prompt in "abcd")
    queue.move(d.id, a.id)
    assert waiting(queue) == list("dabc")
    queue.move(a.id, c.id)
    assert waiting(queue) == list("dbac")
    queue.move(b.id, None)
    assert waiting(queue) == list("dacb")
    queue.move(a.id, a.id)
    assert waiting(queue) == list("dacb")
    assert [queue.take().id for _ in range(2)] == [d.id, a.id]
    with pytest.raises(RequestError, match="wait"):
        queue.move(d.id, None)
    with pytest.raises(RequestError, match="wait"):
        queue.move(b.id, a.id)
    with pytest.raises(NotFound):
        queue.move(b.id, "no such job")


def test_a_paused_queue_gives_nothing_out_also_after_a_restart(file):
    queue = Queue(file)
    add(queue)
    queue.pause(True)
    assert queue.take() is None
    queue.close()
    queue = Queue(file)
    assert queue.paused and queue.take() is None
    queue.pause(False)
    assert queue.take() is not None
    queue.close()


def test_a_job_knows_its_position(queue):
    first, second, third = (add(queue) for _ in range(3))
    queue.take()
    assert [queue.position(job.id) for job in (first, second, third)] == [0, 1, 2]
    queue.end(first.id, "done")
    assert [queue.position(job.id) for job in (first, second, third)] == [None, 1, 2]


def test_a_failed_job_goes_on_at_the_end_with_what_is_missing_under_the_same_names(queue):
    job, other = add(queue, count=3), add(queue, "other")
    planned = queue.take().planned
    queue.saved(job.id, planned[1])
    queue.saved(job.id, planned[1])
    queue.end(job.id, "failed", Failed(kind="OutOfMemory", message="m", cure="c"))
    again = queue.retry(job.id)
    assert (again.id, again.state, again.pictures, again.error) == (
        job.id,
        "queued",
        (planned[1],),
        None,
    )
    assert queue.take().id == other.id
    taken = queue.take()
    assert taken.planned == planned
    assert [name for name, _ in taken.missing] == [planned[0], planned[2]]
    assert taken.missing[1][1]["seed"] == 2**64 - 3


def test_a_skipped_picture_is_not_missing_when_the_job_goes_on(queue):
    job = add(queue, count=3)
    planned = queue.take().planned
    queue.skipped(job.id, planned[0])
    queue.end(job.id, "cancelled")
    queue.retry(job.id)
    assert [name for name, _ in queue.take().missing] == list(planned[1:])


def test_an_interrupted_job_waits_to_be_asked_and_then_comes_first(queue):
    job, other = add(queue, "interrupted"), add(queue, "other")
    queue.take()
    queue.end(job.id, "interrupted")
    assert waiting(queue) == ["other"]
    assert queue.counts() == {"waiting": 1, "interrupted": 1}
    assert [shown.id for shown in queue.listed(9, 9)] == [other.id, job.id]
    queue.retry(job.id)
    assert waiting(queue) == ["interrupted", "other"]


def test_an_interrupted_job_can_be_discarded(queue):
    job = add(queue)
    queue.take()
    queue.end(job.id, "interrupted")
    assert queue.cancel(job.id)
    assert queue.get(job.id).state == "cancelled"


def test_a_job_that_is_done_runs_again_as_a_new_one(queue):
    job = add(queue)
    planned = queue.take().planned
    queue.end(job.id, "done")
    again = queue.retry(job.id)
    assert again.id != job.id
    taken = queue.take()
    assert list(taken.work) == recipes()
    assert not set(taken.planned) & set(planned)


def test_what_is_under_way_cannot_be_run_again(queue):
    job = add(queue)
    for _ in range(2):
        with pytest.raises(RequestError, match="under way"):
            queue.retry(job.id)
        queue.take()
    with pytest.raises(NotFound):
        queue.retry("no such job")


def test_clearing_cancels_what_waits_or_forgets_what_ended(queue):
    done, interrupted, *_ = (add(queue, f"number {k}") for k in range(5))
    for job, state in ((done, "done"), (interrupted, "interrupted")):
        queue.take()
        queue.end(job.id, state)
    running = queue.take()
    queue.clear("waiting")
    assert waiting(queue) == []
    assert [job.state for job in queue.listed(9, 9)] == [
        "running",
        "interrupted",
        "cancelled",
        "cancelled",
        "done",
    ]
    queue.clear("ended")
    assert [job.id for job in queue.listed(9, 9)] == [running.id, interrupted.id]


def test_thousands_of_jobs_are_listed_taken_and_moved_quickly(file):
    queue = Queue(file)
    work = recipes(count=1)
    queue._connection.execute("PRAGMA synchronous = OFF")
    jobs = [queue.add("render", f"number {k}", work) for k in range(3000)]
    for _ in range(1000):
        queue.end(queue.take().id, "done")
    started = time.perf_counter()
    for k in range(20):
        queue.listed(200, 50)
        queue.counts()
        queue.position(jobs[-1].id)
        queue.move(jobs[-1 - k].id, jobs[1000].id)
        queue.end(queue.take().id, "done")
    assert (time.perf_counter() - started) / 20 < 0.1
    queue.close()


def test_a_failed_job_keeps_what_went_wrong(queue):
    job = add(queue)
    queue.take()
    queue.end(job.id, "failed", Failed(kind="OutOfMemory", message="m", cure="c", field="size"))
    kept = {"kind": "OutOfMemory", "message": "m", "cure": "c", "field": "size"}
    assert queue.get(job.id).error == kept


def test_only_a_waiting_job_can_be_cancelled_in_the_queue(queue):
    running, waiting = add(queue), add(queue)
    queue.take()
    assert not queue.cancel(running.id)
    assert queue.cancel(waiting.id)
    assert not queue.cancel(waiting.id)
    assert not queue.cancel("no such job")
    assert queue.take() is None


def test_ending_a_job_twice_changes_nothing(queue):
    job = add(queue)
    queue.take()
    queue.end(job.id, "cancelled")
    queue.end(job.id, "done")
    assert queue.get(job.id).state == "cancelled"


def test_the_list_shows_what_runs_what_waits_and_then_the_newest_that_ended(queue):
    jobs = [add(queue, f"number {k}") for k in range(9)]
    for k in range(3):
        queue.take()
        queue.end(jobs[k].id, "done")
    queue.take()
    queue.cancel(jobs[8].id)
    shown = [jobs.index(next(j for j in jobs if j.id == s.id)) for s in queue.listed(3, 3)]
    assert shown == [3, 4, 5, 6, 8, 2, 1]


def test_the_list_shows_the_beginning_of_a_long_prompt(queue):
    assert len(add(queue, "x" * 9000, 1).prompt) == PROMPT_SHOWN


def test_a_hostile_prompt_is_only_text(queue):
    prompt = "'); DROP TABLE jobs; -- \x00 \u202e <img onerror=x> \U0001f600"
    job = add(queue, prompt)
    assert queue.get(job.id).prompt == prompt
    assert queue.take().work[0]["prompt"] == prompt


def test_the_queue_is_the_same_after_it_was_closed_and_opened(file):
    before = Queue(file)
    jobs = [add(before, f"number {k}") for k in range(3)]
    before.close()
    after = Queue(file)
    assert [job.id for job in after.listed(10, 0)] == [job.id for job in jobs]
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
    [ran] = queue.running()
    assert (ran.id, ran.pictures) == (ids[0], ("a picture",))
    assert len(ran.planned) == 2
    assert [queue.take().id for _ in range(2)] == ids[1:]
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
    assert queue.listed(10, 10) == []
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
            taken.append(found.id)

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


FIRST_VERSION = """
CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, state TEXT NOT NULL,
    prompt TEXT NOT NULL, count INTEGER NOT NULL, draft TEXT NOT NULL, recipes TEXT NOT NULL,
    pictures TEXT NOT NULL DEFAULT '[]', error TEXT, created_at REAL NOT NULL,
    started_at REAL, ended_at REAL
);
CREATE INDEX jobs_by_state ON jobs (state, seq);
PRAGMA user_version = 1;
"""


def test_a_queue_of_the_first_version_is_taken_over(file):
    file.parent.mkdir()
    rows = [
        ("a", "done", ["1", "2"]),
        ("b", "running", ["3"]),
        ("c", "queued", []),
        ("d", "queued", []),
    ]
    with sqlite3.connect(file) as before:
        before.executescript(FIRST_VERSION)
        for job, state, pictures in rows:
            before.execute(
                "INSERT INTO jobs (id, state, prompt, count, draft, recipes, pictures, created_at)"
                " VALUES (?, ?, 'a red house', 2, '{}', ?, ?, 1.5)",
                (job, state, json.dumps(recipes()), json.dumps(pictures)),
            )
    before.close()
    queue = Queue(file)
    assert [(job.id, job.kind, job.pictures) for job in queue.listed(9, 9)] == [
        ("b", "render", ("3",)),
        ("c", "render", ()),
        ("d", "render", ()),
        ("a", "render", ("1", "2")),
    ]
    worker = Worker(queue, Gallery(file.parent, file.parent), file.parent, list, list, list)
    worker.start(EngineProcess([], file.parent / "engine.log", worker.on_event, list))
    worker.close()
    assert queue.get("b").state == "interrupted", "its second picture is missing"
    queue.retry("b")
    taken = queue.take()
    assert (taken.id, taken.planned[0]) == ("b", "3")
    assert [work["seed"] for _, work in taken.missing] == [2**64 - 2]
    assert queue.take().id == "c"
    queue.close()
    with sqlite3.connect(file) as after:
        assert after.execute("PRAGMA user_version").fetchone() == (3,)
    after.close()


def test_a_queue_of_a_later_version_is_left_as_it_is(file):
    file.parent.mkdir()
    with sqlite3.connect(file) as later:
        later.execute("PRAGMA user_version = 99")
    later.close()
    with pytest.raises(StorageError, match="later version"):
        Queue(file)
