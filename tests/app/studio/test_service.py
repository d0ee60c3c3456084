"""The studio end to end, on a tiny model: a draft in, pictures that carry their recipe out."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from app.studio.errors import NotFound
from app.studio.models import Wish
from app.studio.service import Studio, lay_out
from pipelines.draft import Draft
from pipelines.errors import RequestError, StorageError, UnknownModel
from pipelines.events import Notice
from pipelines.geometry import Size
from tests.app.conftest import ended, wait_until
from tests.pipelines.library.files import lora, write

LONG = Draft(prompt="a long one", checkpoint="tiny-sd1", steps=150, count=64)


def draft(**changes: object) -> Draft:
    return Draft.of({"prompt": "a red house", "checkpoint": "tiny-sd1", "steps": 2, **changes})


def test_a_draft_becomes_pictures_that_carry_their_recipes(studio):
    job = ended(studio, studio.submit(draft(count=2, seed=41)).id)
    assert (job.state, len(job.pictures), job.error) == ("done", 2, None)
    recipes = [studio.gallery.recipe(picture) for picture in job.pictures]
    assert [recipe.seed for recipe in recipes] == [41, 42]
    assert recipes[0].prompt == "a red house"
    assert recipes[0].checkpoint.name == "tiny-sd1"
    newest = {info.id for info in studio.gallery.search(2)}
    assert newest == set(job.pictures)


def test_the_same_draft_gives_the_same_bytes(studio):
    pixels = []
    for _ in range(2):
        job = ended(studio, studio.submit(draft(seed=7)).id)
        with Image.open(studio.gallery.path(job.pictures[0])) as image:
            pixels.append(image.tobytes())
    assert pixels[0] == pixels[1]


def test_every_step_shows_in_the_snapshot_with_a_preview(studio):
    seen = []
    job = studio.submit(draft(steps=12))
    with studio.watching(lambda: seen.append(studio.job_view(job.id))):
        ended(studio, job.id)
    steps = [view["step"] for view in seen if view["phase"] == "denoising"]
    assert steps == sorted(steps)
    assert {1, 12} <= set(steps)
    assert max(view["preview"] or 0 for view in seen) == 12
    assert studio.preview(job.id).startswith(b"\xff\xd8")
    last = studio.job_view(job.id)
    assert (last["state"], last["fraction"], last["preview"]) == ("done", 1.0, None)
    assert last["pictures"] == list(studio.job(job.id).pictures)


def test_fifty_submits_at_once_from_threads_run_one_by_one_in_order(studio):
    studio.pause(True)
    with ThreadPoolExecutor(50) as threads:
        submitted = [
            threads.submit(studio.submit, draft(prompt=f"number {k}", steps=1)) for k in range(50)
        ]
    jobs = [job.id for job in studio.jobs() if job.state == "queued"]
    assert set(jobs) == {future.result().id for future in submitted}
    running = []

    def note() -> None:
        running.append([v["id"] for v in studio.snapshot()["jobs"] if v["state"] == "running"])

    with studio.watching(note):
        studio.pause(False)
        ended(studio, jobs[-1])
    assert all(len(now) <= 1 for now in running)
    order = list(dict.fromkeys(now[0] for now in running if now))
    assert order == [job for job in jobs if job in order]
    assert all(studio.job(job).state == "done" for job in jobs)
    ends = [studio.job(job).ended_at for job in jobs]
    assert ends == sorted(ends)
    assert [len(studio.job(job).pictures) for job in jobs] == [1] * 50


def test_a_running_job_stops_within_a_step_and_keeps_what_it_made(studio):
    job = studio.submit(LONG)
    wait_until(studio, lambda: len(studio.job(job.id).pictures) >= 1)
    for _ in range(3):
        studio.cancel(job.id)
    over = ended(studio, job.id, 5)
    assert over.state == "cancelled"
    assert 1 <= len(over.pictures) < 64
    assert studio.gallery.path(over.pictures[0]).is_file()
    studio.cancel(job.id)
    assert studio.job(job.id) == over


def test_a_waiting_job_is_cancelled_without_touching_the_running_one(studio):
    first, second = studio.submit(LONG), studio.submit(draft())
    assert studio.cancel(second.id).state == "cancelled"
    wait_until(studio, lambda: studio.job(first.id).state == "running")
    studio.cancel(first.id)
    assert ended(studio, first.id).state == "cancelled"


def test_a_job_cancelled_at_the_moment_it_starts_does_stop(studio):
    for _ in range(5):
        job = studio.submit(LONG)
        wait_until(studio, lambda job=job: studio.job(job.id).state == "running")
        studio.cancel(job.id)
        assert ended(studio, job.id, 10).state == "cancelled"


@pytest.mark.slow
def test_freeing_the_memory_lets_the_job_end_and_those_that_wait_run_in_a_fresh_engine(studio):
    first, second = studio.submit(draft(steps=60)), studio.submit(draft())
    wait_until(studio, lambda: studio.job_view(first.id)["step"] > 0)
    before = studio._engine.pid
    studio.free()
    assert studio.engine()["freeing"]
    assert [ended(studio, job.id).state for job in (first, second)] == ["done", "done"]
    assert studio._engine.pid not in (None, before)
    wait_until(studio, lambda: studio.engine()["checkpoint"] == "tiny-sd1")
    studio.free()
    engine = studio.snapshot()["engine"]
    assert (engine["state"], engine["models"], engine["freeing"]) == ("free", None, False)
    assert ended(studio, studio.submit(draft()).id).state == "done"


def test_a_killed_engine_fails_one_job_and_the_queue_goes_on(studio):
    first, second = studio.submit(LONG), studio.submit(draft())
    wait_until(studio, lambda: studio.snapshot()["engine"]["checkpoint"] is not None)
    wait_until(studio, lambda: studio.job(first.id).pictures != ())
    os.kill(studio._engine.pid, signal.SIGKILL)
    failed = ended(studio, first.id)
    assert len(failed.pictures) == len(set(failed.pictures)) >= 1
    assert failed.error["kind"] == "EngineStopped"
    assert "memory" in failed.error["message"]
    assert ended(studio, second.id).state == "done"
    assert not list(studio.settings.outputs.rglob("*.part"))


def test_a_queue_that_could_not_be_written_for_a_while_goes_on(studio):
    first, second = (studio.submit(draft(steps=60, seed=seed)).id for seed in (1, 2))
    wait_until(studio, lambda: studio.job(first).state == "running")
    studio._queue._connection.execute("PRAGMA query_only = ON")  # as a full disk would
    wait_until(studio, studio._worker.running.over.is_set)
    assert studio.job(first).state == "running", "its end could not be written down"
    time.sleep(0.2)
    studio._queue._connection.execute("PRAGMA query_only = OFF")
    studio._worker.wake()
    assert [ended(studio, job).state for job in (first, second)] == ["done", "done"]
    assert all(len(studio.job(job).pictures) == 1 for job in (first, second))


def test_a_studio_that_closes_begins_no_further_job(settings_in, tmp_path):
    closing = Studio(settings_in(tmp_path))
    try:
        job = closing.submit(draft()).id
        closing._worker.close()
        assert not closing._worker._run_next()
        assert closing.job(job).state == "queued"
    finally:
        closing.close()


def test_the_picture_at_hand_is_finished_and_the_rest_is_made_when_asked_again(studio):
    job = studio.submit(draft(count=3, steps=40))
    wait_until(studio, lambda: studio.job_view(job.id)["phase"] == "denoising")
    assert studio.finish(job.id).state == "running"
    over = ended(studio, job.id)
    assert (over.state, len(over.pictures)) == ("cancelled", 1)
    assert studio.retry(job.id).id == job.id
    again = ended(studio, job.id)
    assert (again.state, len(again.pictures)) == ("done", 3)
    assert again.pictures[0] == over.pictures[0]
    first, *others = (studio.gallery.recipe(picture).seed for picture in again.pictures)
    assert others == [first + 1, first + 2]


def test_what_was_done_otherwise_is_told_with_its_job_now_and_when_it_is_over(studio):
    job = studio.submit(LONG)
    wait_until(studio, lambda: studio.job_view(job.id)["phase"] == "denoising")
    sentence = "There was not enough memory."
    for _ in range(2):
        studio._worker.on_event(job.id, Notice(message=sentence))
    assert studio.job_view(job.id)["notices"] == [sentence]
    studio.cancel(job.id)
    assert ended(studio, job.id).notices == (sentence,)


def test_a_skipped_picture_is_left_out_and_the_job_goes_on(studio):
    job = studio.submit(draft(count=3, steps=40, seed=100))
    wait_until(studio, lambda: studio.job_view(job.id)["phase"] == "denoising")
    studio.skip(job.id)
    over = ended(studio, job.id)
    assert (over.state, len(over.pictures)) == ("done", 2)
    assert [studio.gallery.recipe(picture).seed for picture in over.pictures] == [101, 102]
    assert studio.skip(job.id) == over


def test_a_paused_queue_lets_the_running_job_end_and_begins_no_other(studio):
    first, second = studio.submit(draft(steps=60)), studio.submit(draft())
    wait_until(studio, lambda: studio.job(first.id).state == "running")
    studio.pause(True)
    assert ended(studio, first.id).state == "done"
    assert studio.job(second.id).state == "queued"
    assert studio.snapshot()["queue"] == {"paused": True, "waiting": 1, "interrupted": 0}
    urgent = studio.submit(draft(), first=True)
    assert [studio.job_view(job.id)["position"] for job in (urgent, second)] == [1, 2]
    studio.move(second.id, urgent.id)
    studio.pause(False)
    assert ended(studio, urgent.id).started_at > ended(studio, second.id).started_at


def test_a_stop_is_heard_while_another_checkpoint_is_made_ready(studio):
    ended(studio, studio.submit(draft(steps=1)).id)
    studio._engine.preload("tiny-sdxl")
    job = studio.submit(LONG)
    studio.cancel(job.id)
    assert ended(studio, job.id, 5).state == "cancelled"
    assert ended(studio, studio.submit(draft()).id).state == "done"


def test_the_checkpoint_is_told_before_the_job_is_over(studio):
    job = studio.submit(draft(checkpoint="tiny-sdxl", steps=150, count=8))
    wait_until(studio, lambda: studio.engine()["checkpoint"] == "tiny-sdxl")
    assert studio.job(job.id).state == "running"
    studio.cancel(job.id)
    ended(studio, job.id)


def test_a_file_that_is_copied_into_a_folder_is_followed_until_it_is_complete(
    settings_in, tmp_path
):
    models = tmp_path / "models"
    models.mkdir()
    studio = Studio(settings_in(tmp_path).model_copy(update={"models": (models,)}))
    studio.start()
    try:
        write(models / "ink.safetensors", lora(), age=0)
        studio.rescan()
        wait_until(studio, lambda: studio.catalog.library.entries("lora"))
        assert studio.catalog.library.entries("lora")[0].pending
        wait_until(studio, lambda: studio.catalog.library.entries("lora")[0].usable)
    finally:
        studio.close()


def test_a_pickled_checkpoint_is_converted_by_the_engine(settings_in, tmp_path, tiny_home):
    import torch
    from safetensors.torch import load_file

    models = tmp_path / "models"
    models.mkdir()
    source = tiny_home / "models" / "checkpoints" / "tiny-sd1.safetensors"
    torch.save({"state_dict": load_file(source)}, models / "old.ckpt")
    os.utime(models / "old.ckpt", (time.time() - 60, time.time() - 60))
    studio = Studio(settings_in(tmp_path).model_copy(update={"models": (models,)}))
    studio.start()
    try:
        wait_until(studio, lambda: not studio.catalog.library.progress.scanning)
        wish = Wish(text="old", sort="size")
        [listed], _, broken = studio.models.page(wish)
        assert (listed["convertible"], listed["converted"], broken) == (True, False, 1)
        job = ended(studio, studio.convert("old").id)
        assert (job.kind, job.state, job.error) == ("convert", "done", None)
        assert (models / "old.safetensors").is_file()
        checkpoints = studio.catalog.checkpoints
        wait_until(studio, lambda: checkpoints()[0].path == models / "old.safetensors")
        rows, _, broken = studio.models.page(wish)
        assert broken == 0
        assert {(r["pickled"], r["converted"], r["convertible"]) for r in rows} == {
            (True, True, False),
            (False, False, False),
        }
        again = ended(studio, studio.retry(job.id).id)
        assert (again.state, again.error["kind"]) == ("failed", "StorageError")
    finally:
        studio.close()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"checkpoint": "no such model"}, "checkpoint"),
        ({"steps": 0}, "steps"),
        ({"guidance_scale": float("nan")}, "guidance_scale"),
        ({"guidance_scale": float("inf")}, "guidance_scale"),
        ({"seed": 2**64}, "seed"),
        ({"sampler": "no such sampler"}, "sampler"),
        ({"prompt": "x" * 20_000}, "prompt"),
    ],
)
def test_what_cannot_be_rendered_is_refused_before_it_is_queued(studio, changes, field):
    before = studio.jobs()
    with pytest.raises(RequestError) as caught:
        studio.submit(draft(**changes))
    assert caught.value.field == field
    assert caught.value.cure
    assert studio.jobs() == before


def test_an_unknown_job_or_picture_is_not_found(studio):
    for ask in (
        studio.job,
        studio.cancel,
        studio.skip,
        studio.finish,
        studio.retry,
        studio.gallery.path,
        studio.gallery.recipe,
    ):
        with pytest.raises(NotFound):
            ask("0" * 32)
    assert studio.preview("0" * 32) is None


def test_a_folder_that_cannot_be_written_is_told_at_once(settings_in, tmp_path):
    (tmp_path / "outputs").write_text("a file in the way")
    studio = Studio(settings_in(tmp_path))
    try:
        with pytest.raises(StorageError):
            studio.submit(draft())
        assert studio.jobs() == []
    finally:
        studio.close()


def test_a_model_dropped_in_is_found_without_a_restart(settings_in, tmp_path, tiny_home):
    models = tmp_path / "models"
    models.mkdir()
    studio = Studio(settings_in(tmp_path).model_copy(update={"models": (models,)}))
    try:
        with pytest.raises(UnknownModel):
            studio.submit(draft(checkpoint="late"))
        source = tiny_home / "models" / "checkpoints" / "tiny-sd1.safetensors"
        os.link(source, models / "late.safetensors")
        assert studio.submit(draft(checkpoint="late")).state == "queued"
    finally:
        studio.close()


@pytest.mark.slow
def test_jobs_that_wait_go_on_after_a_restart_and_the_running_one_says_so(settings_in, tmp_path):
    settings = settings_in(tmp_path)
    first = Studio(settings)
    first.start()
    running, waiting = first.submit(LONG).id, first.submit(draft(size=Size(width=64, height=64))).id
    wait_until(first, lambda: first.job(running).pictures != ())
    started = time.monotonic()
    first.close()
    assert time.monotonic() - started < 6
    second = Studio(settings)
    second.start()
    try:
        assert second.job(running).state == "interrupted"
        assert "Continue it" in second.job(running).error["cure"]
        assert ended(second, waiting).state == "done"
        before = second.job(running).pictures
        second.retry(running)
        wait_until(second, lambda: len(second.job(running).pictures) > len(before))
        assert second.job(running).pictures[: len(before)] == before
        second.cancel(running)
    finally:
        second.close()


def test_the_drop_folder_is_laid_out_and_one_that_cannot_be_is_left(tmp_path):
    lay_out(tmp_path / "models")
    assert (tmp_path / "models" / "checkpoints").is_dir()
    (tmp_path / "file").write_text("in the way")
    lay_out(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_picture_that_was_deleted_is_no_jobs_thumbnail(studio):
    job = studio.submit(draft(count=2)).id
    first, second = ended(studio, job).pictures
    assert studio.job_view(job)["thumbnail"] == second
    studio.gallery.delete([second])
    assert studio.job_view(job)["thumbnail"] == first
    studio.gallery.delete([first])
    assert studio.job_view(job)["thumbnail"] is None
    assert studio.job_view(job)["pictures"] == [first, second]
