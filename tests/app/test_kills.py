"""Nothing is lost or made twice, whatever is killed; `benchmarks.kills` does it at length."""

import pytest

from benchmarks.kills import PICTURES, Order, kill_again_and_again


@pytest.mark.slow
def test_every_job_is_done_once_and_in_order_though_engine_and_server_are_killed(tmp_path):
    figures = kill_again_and_again(tmp_path, kills=4, jobs=3, seed=3)
    assert sum(figures["kills"].values()) == 4
    assert figures["pictures"] == PICTURES * figures["jobs"]


def test_the_order_announced_follows_what_is_put_back_into_the_queue():
    order = Order()
    for listed in (
        [("a", "running"), ("b", "queued"), ("c", "queued")],
        [("b", "running"), ("c", "queued"), ("a", "done")],
        [("c", "running"), ("b", "queued"), ("a", "done")],
    ):
        order.note([{"id": job, "state": state} for job, state in listed])
    assert order.jobs == ["a", "c", "b"]
