"""Jobs on Dask workers: which comes next, what is tried again, and what is left in the end."""

import ipaddress
import os
import signal
import time
from itertools import accumulate

import psutil
import pytest
import threadpoolctl
from distributed import LocalCluster

from deployworkbook.compression import workers
from deployworkbook.compression.workers import GONE, THREADS, carry_out, local_client, remote_client
from deployworkbook.ledger.machine import this_machine

# What the workers do: a job is a tuple of a folder and a name.


def once(folder):
    """Say whether this is the first time that anybody asks."""
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    return True


def open_group(job):
    """Fail if two make at once what the group needs."""
    folder, group, number = job
    if not (folder / f"{group}-made").exists():
        if not once(folder / f"{group}-begun"):
            raise RuntimeError("two at once")
        time.sleep(0.3)
        (folder / f"{group}-made").touch()
    return number


def fail_once(job):
    folder, name = job
    if name == "bad":
        raise ValueError("too sparse")
    if name == "flaky" and once(folder / name):
        raise OSError("not yet")
    return name


def die_once(job):
    folder, name = job
    if name == "dies" or (name == "dies once" and once(folder / name)):
        os.kill(os.getpid(), signal.SIGKILL)
    return name


def wait(job):
    time.sleep(job)
    return job


def surroundings(job):
    import numpy  # noqa: F401 (its threads are asked for)

    found = threadpoolctl.threadpool_info()
    return {name: os.environ[name] for name in THREADS}, [one["num_threads"] for one in found]


@pytest.fixture(scope="module")
def client():
    with local_client(2) as connected:
        yield connected


def gather(function, jobs, client, *, groups=None, retries=2):
    events = []
    groups = groups or [str(number) for number in range(len(jobs))]
    carry_out(function, jobs, groups=groups, client=client, retries=retries, on_event=events.append)
    return events


def ends(events):
    """How each job ended, in the order of the jobs."""
    last = {event.index: event for event in events}
    return [last[index] for index in sorted(last)]


def test_the_first_job_of_a_group_runs_alone_and_groups_in_parallel(client, tmp_path):
    jobs = [(tmp_path, group, number) for group in "ab" for number in range(3)]
    events = gather(open_group, jobs, client, groups=[job[1] for job in jobs])
    assert [event.value for event in ends(events)] == [0, 1, 2, 0, 1, 2]
    assert {event.status for event in events} == {"running", "done"}
    # Two workers: the second takes the other group's first job, not this group's second.
    assert [(event.status, event.index) for event in events[:2]] == [("running", 0), ("running", 3)]


def test_a_failing_job_is_retried_and_reported_and_the_others_finish(client, tmp_path):
    jobs = [(tmp_path, name) for name in ("bad", "flaky", "good")]
    events = gather(fail_once, jobs, client, retries=2)
    bad, flaky, good = ends(events)
    assert (bad.status, bad.attempt, bad.error) == ("failed", 3, "ValueError: too sparse")
    assert (flaky.status, flaky.attempt, flaky.value) == ("done", 2, "flaky")
    assert (good.status, good.attempt, good.value) == ("done", 1, "good")
    again = [event for event in events if event.status == "failed again"]
    assert sorted((event.index, event.attempt) for event in again) == [(0, 1), (0, 2), (1, 1)]


def test_without_retries_a_failure_is_final(client, tmp_path):
    (event,) = ends(gather(fail_once, [(tmp_path, "bad")], client, retries=0))
    assert (event.status, event.attempt) == ("failed", 1)


def test_if_a_groups_first_job_fails_the_next_one_runs_alone(client, tmp_path):
    jobs = [(tmp_path, "bad"), (tmp_path, "good")]
    events = gather(fail_once, jobs, client, groups=["a", "a"], retries=0)
    assert [event.status for event in ends(events)] == ["failed", "done"]


def test_a_dying_worker_costs_an_attempt_but_no_job(client, tmp_path):
    jobs = [(tmp_path, name) for name in ("dies once", "lives")]
    once, lives = ends(gather(die_once, jobs, client, retries=1))
    # A job that waits in a worker that dies is begun again as well.
    assert [(event.status, event.value) for event in (once, lives)] == [
        ("done", "dies once"),
        ("done", "lives"),
    ]
    assert once.attempt == 2
    (dies,) = ends(gather(die_once, [(tmp_path, "dies")], client, retries=1))
    assert (dies.status, dies.attempt, dies.value) == ("failed", 2, None)
    assert "its worker process died" in dies.error


def test_workers_divide_the_cores(client):
    (event,) = ends(gather(surroundings, [None], client))
    environment, threads = event.value
    share = -(-this_machine().cores // 2)
    assert environment == dict.fromkeys(THREADS, str(share))
    assert threads == [share] * len(threads)
    assert threads


def test_workers_listen_on_loopback_only(client):
    processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
    addresses = [
        # IPv4 addresses of a socket for both are written ::ffff:127.0.0.1.
        ipaddress.ip_address(connection.laddr.ip.removeprefix("::ffff:"))
        for process in processes
        for connection in process.net_connections()
        if connection.status == psutil.CONN_LISTEN
    ]
    assert addresses
    assert all(address.is_loopback for address in addresses)


def test_ctrl_c_keeps_finished_jobs_and_kills_the_workers():
    events = []

    def interrupt(event):
        events.append(event)
        # In the middle of the second job.
        if event.status == "running" and event.index == 1:
            raise KeyboardInterrupt

    environment = dict(os.environ)
    with local_client(1) as client:
        started = [psutil.Process(number) for number in client.run(os.getpid).values()]
        # A worker in the middle of a job is not waited for: the test's own time limit is less.
        jobs = [0.1, 3600, 3601]
        carry_out(wait, jobs, groups="abc", client=client, retries=2, on_event=interrupt)
    assert [event.status for event in ends(events)] == ["done", "stopped", "stopped"]
    assert len(started) == 1
    assert not [process for process in started if process.is_running()]
    assert dict(os.environ) == environment


def test_an_existing_worker_is_used_and_its_dying_scheduler_ends_all_jobs(dask_cluster, tmp_path):
    last = []

    def kill(event):
        last.append(event)
        if len(last) == 1:
            scheduler.kill()

    with dask_cluster(1) as (address, scheduler), remote_client(address) as client:
        jobs = [(tmp_path, name) for name in ("flaky", "good", "bad")]
        events = gather(fail_once, jobs, client, retries=1)
        carry_out(wait, [30, 31, 32], groups="abc", client=client, retries=1, on_event=kill)
    assert [event.status for event in ends(events)] == ["done", "done", "failed"]
    # One job a process, though it has two threads.
    steps = [1 if event.status == "running" else -1 for event in events]
    assert max(accumulate(steps)) == 1
    assert [(event.status, event.error) for event in ends(last)] == [("failed", GONE)] * 3
    assert [event.attempt for event in ends(last)] == [1, 0, 0]


def test_a_missing_scheduler_raises_with_a_remedy(monkeypatch):
    monkeypatch.setattr(workers, "PATIENCE_S", 0.5)
    for address in ("tcp://127.0.0.1:9", "nowhere"):
        error = pytest.raises(ConnectionError, match="Start one with `dask scheduler`")
        with error, remote_client(address):
            pass


def test_a_scheduler_without_workers_is_an_error(monkeypatch):
    quiet = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(n_workers=0, host="127.0.0.1", scheduler_kwargs=quiet) as cluster:
        monkeypatch.setattr(workers, "PATIENCE_S", 0.5)
        error = pytest.raises(ConnectionError, match="has no workers")
        with error, remote_client(cluster.scheduler_address):
            pass
