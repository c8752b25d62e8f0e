"""The queue: turn, claims, leases, cancel, retry; no crash loses a job, no loser of a lease writes."""

import threading

import pytest

from unflat.apps.jobs.events import events_after
from unflat.apps.jobs.problems import Conflict, NotFound

MAKE = {"kind": "make", "pictures": [{"file": "x"}]}


def test_the_highest_priority_goes_first_then_the_oldest(queue, claims):
    old, new = queue.submit(MAKE), queue.submit(MAKE)
    urgent = queue.submit(MAKE | {"priority": 5})
    assert [claims.claim("w", "main").id for _ in range(3)] == [urgent.id, old.id, new.id]
    assert claims.claim("w", "main") is None


def test_two_claimants_never_get_the_same_job(queue, claims):
    wanted = {queue.submit(MAKE).id for _ in range(24)}
    got, lock = [], threading.Lock()

    def take(name):
        while (job := claims.claim(name, "main")) is not None:
            with lock:
                got.append(job.id)

    threads = [threading.Thread(target=take, args=(f"w{index}",)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == sorted(wanted)


def test_the_same_key_and_order_give_the_same_job(queue):
    first = queue.submit(MAKE, idempotency_key="k")
    assert queue.submit(MAKE, idempotency_key="k").id == first.id
    assert queue.submit(MAKE, idempotency_key="k", owner="other").id != first.id
    with pytest.raises(Conflict) as refused:
        queue.submit(MAKE | {"priority": 1}, idempotency_key="k")
    assert refused.value.code == "idempotency-conflict"


def test_jobs_of_others_are_not_there(queue):
    job = queue.submit(MAKE, owner="mine")
    for owner, id in (("yours", job.id), ("mine", "not-an-id"), ("mine", "../" + job.id)):
        with pytest.raises(NotFound):
            queue.get(owner, id)
    assert queue.page("yours") == []


def test_pages_go_on_where_the_last_one_ended(queue):
    jobs = [queue.submit(MAKE) for _ in range(5)]
    first = queue.page("", limit=2)
    second = queue.page("", limit=2, after=first[-1].id)
    assert [job.id for job in first + second] == [job.id for job in reversed(jobs)][:4]
    assert [job.id for job in queue.page("", oldest_first=True, skip=1, limit=1)] == [jobs[1].id]


def test_a_waiting_job_is_cancelled_at_once_and_a_running_one_is_asked(queue, claims):
    waiting = queue.submit(MAKE)
    assert queue.cancel("", waiting.id).state == "cancelled"
    running = queue.submit(MAKE)
    claims.claim("w", "main")
    asked = queue.cancel("", running.id)
    assert asked.state == "running" and asked.cancel_at is not None
    assert claims.put_back(asked) == "cancelled"


def test_a_cancelled_job_can_be_run_again_but_a_done_one_can_not(queue, claims):
    job = queue.submit(MAKE)
    queue.cancel("", job.id)
    assert queue.retry("", job.id).state == "queued"
    held = claims.claim("w", "main")
    assert claims.end(held, "succeeded", assets="[]")
    with pytest.raises(Conflict):
        queue.retry("", job.id)


def test_a_silent_supervisor_loses_its_jobs_and_can_not_write_any_more(queue, claims, clock):
    job = queue.submit(MAKE)
    late = claims.claim("dead/1", "main")
    clock.now += 31
    assert claims.free_expired() == 1
    heir = claims.claim("alive/1", "main")
    assert heir.id == job.id and heir.attempts == 2
    assert not claims.tell(late, "progress", {"fraction": 0.5})
    assert not claims.end(late, "failed", {"code": "x"})
    assert queue.get("", job.id).state == "running"
    assert claims.end(heir, "succeeded", assets="[]")


def test_a_lease_that_is_renewed_holds(queue, claims, clock):
    queue.submit(MAKE)
    claims.claim("s/1", "main")
    for _ in range(4):
        clock.now += 20
        claims.renew("s", {"s/1": ("main", True)})
        assert claims.free_expired() == 0
    assert claims.live_workers() == 1


def test_jobs_of_a_supervisor_known_to_be_dead_are_free_at_once(queue, claims):
    queue.submit(MAKE)
    queue.submit(MAKE)
    claims.claim("dead/1", "main")
    claims.claim("alive/1", "main")
    assert claims.free_of("dead") == 1
    assert queue.counts() == {"queued": 1, "running": 1}


def test_a_job_that_keeps_ending_its_worker_is_given_up(queue, claims):
    job = queue.submit(MAKE)
    states = []
    for _ in range(3):
        held = claims.claim("w", "main")
        states.append(claims.put_back(held, crashed=True, most_crashes=3))
    assert states == ["queued", "queued", "failed"]
    assert queue.get("", job.id).error["code"] == "worker-lost"


def test_a_restart_of_the_server_is_not_held_against_the_job(queue, claims):
    job = queue.submit(MAKE)
    for _ in range(10):
        claims.put_back(claims.claim("w", "main"), crashed=False)
    found = queue.get("", job.id)
    assert found.state == "queued" and found.crashes == 0 and found.attempts == 10


def test_a_job_put_back_with_a_wait_is_not_taken_before(queue, claims, clock):
    queue.submit(MAKE)
    claims.put_back(claims.claim("w", "main"), wait_s=5.0)
    assert claims.claim("w", "main") is None
    clock.now += 6
    assert claims.claim("w", "main") is not None


def test_lanes_do_not_mix(queue, claims):
    queue.submit({"kind": "quick-mask"}, lane="quick")
    assert claims.claim("w", "main") is None
    assert claims.claim("q", "quick") is not None
    assert queue.page("") == [] and queue.counts() == {}


def test_events_are_numbered_upwards_and_kept(database, queue, claims):
    job = queue.submit(MAKE)
    held = claims.claim("w", "main")
    assert claims.tell(held, "progress", {"stage": "segment", "fraction": 0.2})
    assert claims.tell(held, "warning", {"stage": "segment", "message": "Dark."})
    assert claims.end(held, "succeeded", assets="[]")
    events, state = events_after(database, job.id, 0)
    assert [event.event for event in events] == ["state", "state", "progress", "warning", "state"]
    assert [event.id for event in events] == sorted({event.id for event in events}) and state == "succeeded"
    later, _ = events_after(database, job.id, events[2].id)
    assert [event.id for event in later] == [event.id for event in events[3:]]
    assert queue.get("", job.id).warnings == ["Dark."]


def test_deleting_a_running_job_takes_it_from_its_worker(queue, claims):
    job = queue.submit(MAKE)
    held = claims.claim("w", "main")
    queue.delete("", job.id)
    assert not claims.tell(held, "progress", {"fraction": 0.1})
    assert not claims.end(held, "succeeded", assets="[]")
