"""A simulated class against a hub that is simulated, too."""

import asyncio
import itertools
import json
import random
import threading
import uuid

import pytest
from jupyter_server.services.kernels.connection.base import (
    deserialize_msg_from_ws_v1,
    serialize_msg_to_ws_v1,
)
from tornado import httpserver, netutil, web, websocket

from deployworkbook.cli import main
from deployworkbook.teaching.load import learner as learners
from deployworkbook.teaching.load import rehearsal as rehearsals
from deployworkbook.teaching.load.learner import CellRun, Slide, places
from deployworkbook.teaching.load.rehearsal import Rehearsal, Seat, seats_from
from deployworkbook.teaching.load.result import LoadResult
from deployworkbook.teaching.load.running import run_until_stopped

NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "source": "# 05"},
        {"cell_type": "code", "source": "import numpy"},
        {"cell_type": "code", "source": "slider"},
        {"cell_type": "code", "source": "last"},
    ]
}
SLIDER = {"_model_name": "IntSliderModel", "min": 2, "max": 16, "step": 1, "value": 4}


class FakeHub:
    """Just enough of a hub, its servers and their kernels.

    Args:
        answers: What the kernel does with a cell's text: ``ok``, ``error``, ``close`` or ``never``.
    """

    def __init__(self, answers=None):
        self.answers = answers or {}
        self.running = set()
        self.stopped = []
        self.executed = []
        self.trained = 0
        self.sliders = 0
        self.restarted = 0
        self.turned_away = 0

    def __enter__(self):
        ready = threading.Event()

        def serve():
            self.loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self.loop)
            (socket,) = netutil.bind_sockets(0, "127.0.0.1")
            self.port = socket.getsockname()[1]
            self.server = httpserver.HTTPServer(web.Application(self.handlers()))
            self.server.add_socket(socket)
            self.loop.call_soon(ready.set)
            self.loop.run_forever()
            self.server.stop()
            self.loop.run_until_complete(self.server.close_all_connections())
            self.loop.close()

        self.thread = threading.Thread(target=serve)
        self.thread.start()
        ready.wait(30)
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(30)

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}"

    def handlers(self):
        hub = self

        class Login(web.RequestHandler):
            def get(self):
                self.write('<input type="hidden" name="_xsrf" value="crossed">')

            def post(self):
                known = self.get_body_argument("otp") == "our class"
                assert self.get_body_argument("_xsrf") == "crossed"
                self.set_status(302 if known else 403)

        class Tokens(web.RequestHandler):
            def post(self, name):
                self.write({"token": f"of-{name}", "id": "a1"})

            def delete(self, name, *_):
                self.set_status(204)

        class Server(web.RequestHandler):
            def post(self, name):
                assert self.request.headers["Authorization"] == f"token of-{name}"
                if hub.turned_away:
                    hub.turned_away -= 1
                    self.set_header("Retry-After", "0.01")
                    self.set_status(429)
                    return
                hub.running.add(name)
                self.set_status(202)

            def delete(self, name):
                hub.running.discard(name)
                hub.stopped.append(name)
                self.set_status(204)

        class User(web.RequestHandler):
            def get(self, name):
                self.write({"servers": {"": {"ready": True}} if name in hub.running else {}})

        class Contents(web.RequestHandler):
            def get(self, *_):
                self.write({"content": NOTEBOOK})

        class Sessions(web.RequestHandler):
            def post(self, _):
                self.write({"id": "s", "kernel": {"id": uuid.uuid4().hex}})

        class Restart(web.RequestHandler):
            def post(self, _):
                hub.restarted += 1

        class Channels(websocket.WebSocketHandler):
            def select_subprotocol(self, offered):
                return offered[0]

            def on_message(self, raw):
                _, parts = deserialize_msg_from_ws_v1(raw)
                hub.answer(self, json.loads(parts[0]), json.loads(parts[3]))

        return [
            ("/hub/login", Login),
            ("/hub/api/users/([^/]+)/tokens", Tokens),
            ("/hub/api/users/([^/]+)/tokens/(.+)", Tokens),
            ("/hub/api/users/([^/]+)/server", Server),
            ("/hub/api/users/([^/]+)", User),
            ("/user/([^/]+)/api/contents/(.+)", Contents),
            ("/user/([^/]+)/api/sessions", Sessions),
            ("/user/[^/]+/api/kernels/([^/]+)/restart", Restart),
            ("/user/[^/]+/api/kernels/[^/]+/channels", Channels),
        ]

    def answer(self, page, asked, content):
        """Answer as a kernel does."""

        def send(kind, channel="iopub", **content):
            header = {"msg_type": kind, "msg_id": uuid.uuid4().hex}
            message = {
                "header": header,
                "parent_header": asked,
                "metadata": {},
                "content": content,
            }
            pack = lambda part: json.dumps(part).encode()  # noqa: E731
            page.write_message(serialize_msg_to_ws_v1(message, channel, pack), binary=True)

        send("status", execution_state="busy")
        if asked["msg_type"] == "comm_msg":
            self.sliders += 1
            send("comm_msg", comm_id="p", data={"method": "update", "state": {"value": "<img>"}})
        else:
            code = content["code"]
            self.trained += "train(" in code
            self.executed.append(code)
            what = self.answers.get(code, "ok")
            if what == "close":
                page.close()
                return
            if what == "never":
                return
            if code == "slider":
                send("comm_open", comm_id="s", data={"state": SLIDER})
                send("comm_open", comm_id="p", data={"state": {"_model_name": "HTMLModel"}})
            if what == "error":
                send("error", ename="ValueError", evalue="no such thing")
            send("execute_reply", "shell", status=what)
        send("status", execution_state="idle")


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    """No learner thinks for long here."""
    monkeypatch.setattr(learners, "STEP_S", 0.001)
    monkeypatch.setattr(learners, "READING_SHARE", 0.1)
    monkeypatch.setattr(learners, "CELL_S", 1.0)
    monkeypatch.setattr(rehearsals, "QUIET_STEPS", 5)
    monkeypatch.setattr(rehearsals, "TRAINING_S", 0.1)


def play(hub, count=2, minutes=0.03, passwords="our class"):
    seats = seats_from(passwords, count)
    return run_until_stopped(Rehearsal(hub.address, seats, "05_quantization.ipynb", minutes))


def test_a_class_is_played_measured_and_cleaned_up():
    with FakeHub() as hub:
        result = play(hub)
    assert not result.trouble
    assert not result.failed
    assert not hub.running
    assert sorted(hub.stopped) == ["load-1", "load-2"]
    assert hub.trained >= hub.restarted == 1
    assert len(result.start_s) == len(result.kernel_s) == 2
    assert len(result.idle_s) >= 5
    # An act may end while a slider waits.
    assert 0 <= hub.sliders - len(result.slides) <= 2
    # The first runs the lesson up to the slider, then both run all of it.
    assert hub.executed.count("import numpy") == 3
    assert (result.lost_connections, result.restarts) == (0, 0)


def test_who_is_turned_away_tries_again():
    with FakeHub() as hub:
        hub.turned_away = 2
        result = play(hub, count=1)
    assert not result.trouble
    assert len(result.start_s) == 1


def test_a_failed_cell_is_counted_and_the_lesson_goes_on():
    with FakeHub({"import numpy": "error"}) as hub:
        result = play(hub, count=1)
    assert {run.error for run in result.failed} == {"ValueError: no such thing"}
    assert {run.number for run in result.failed} == {1}
    assert "last" in hub.executed


def test_a_lost_connection_is_counted_and_opened_again():
    with FakeHub({"slider": "close"}) as hub:
        result = play(hub, count=1)
    assert result.lost_connections >= 1
    assert "last" in hub.executed
    assert not hub.running


def test_a_cell_without_end_is_given_up(monkeypatch):
    monkeypatch.setattr(learners, "CELL_S", 0.2)
    with FakeHub({"last": "never"}) as hub:
        result = play(hub, count=1, minutes=0.05)
    assert any("no end within" in run.error for run in result.failed)
    assert not hub.running


def test_a_refused_login_stops_nobody_else():
    with FakeHub() as hub:
        seats = [Seat("load-1", "", "our class"), Seat("load-2", "", "a guess")]
        result = run_until_stopped(Rehearsal(hub.address, seats, "05.ipynb", 0.01))
    (sentence,) = result.trouble
    assert "refused the login of load-2" in sentence
    assert len(result.start_s) == 1


def test_a_hub_that_is_not_there_is_said_for_each_learner():
    result = run_until_stopped(
        Rehearsal("http://127.0.0.1:1", [Seat("load-1", "", "x")], "05.ipynb", 0.01)
    )
    assert "Is the hub running?" in result.trouble[0]


def test_stopped_early_it_still_stops_the_servers():
    async def stop_soon(hub):
        seats = seats_from("our class", 2)
        rehearsal = Rehearsal(hub.address, seats, "05_quantization.ipynb", 5)
        playing = asyncio.create_task(rehearsal.play())
        while not hub.executed:
            await asyncio.sleep(0.01)
        playing.cancel()
        return await playing

    with FakeHub({"last": "never"}) as hub:
        result = asyncio.run(stop_soon(hub))
    assert result.was_stopped
    assert not hub.running
    assert sorted(hub.stopped) == ["load-1", "load-2"]


def test_the_command_reads_a_list_of_passwords_and_reports(tmp_path, capsys):
    path = tmp_path / "passwords.csv"
    path.write_text("name,password\nada,our class\n")

    def run(*options):
        with pytest.raises(SystemExit) as ended:
            main(["teach", "load", *options])
        return ended.value.code

    with FakeHub() as hub:
        given = ("--hub", hub.address, "--password-file", str(path), "--minutes", "0.01")
        assert run("2", *given) == 1
        assert "as many as are to be simulated" in capsys.readouterr().err
        # The list's passwords aren't the class's, which this hub wants: said, and exit 1.
        assert run("1", *given) == 1
        assert "refused the login of ada" in capsys.readouterr().out
        path.write_text("our class\n")
        assert not run("1", *given, "--json")
        found = json.loads(capsys.readouterr().out)
        assert found["figures"]["slider_idle"]["count"] >= 5
        assert not run("1", *given)
        assert "0 connections lost" in capsys.readouterr().out
    assert run("1", "--hub", "class.example.org", "--password-file", str(path)) == 1
    assert "an address such as" in capsys.readouterr().err


def test_slides_are_told_apart_by_what_the_others_did():
    result = LoadResult(
        *(3, "05", 1.0, (1.0,), (1.0,)),
        slides=(
            Slide("ada", 0.1, 0),
            Slide("ada", 0.2, 1),
            Slide("ada", 0.3, 2, others_training=True),
        ),
        runs=(CellRun("ada", 1, 0.1, ""),),
    )
    assert (result.idle_s, result.busy_s, result.training_s) == ([0.1], [0.2], [0.3])


@pytest.mark.parametrize(
    "slider",
    [
        SLIDER,
        {"min": 0.0, "max": 1.0, "step": 0.1, "value": 0.3},
        {"_options_labels": ["a", "b"], "index": 0},
    ],
)
def test_a_drag_stays_on_the_slider_and_always_moves(slider):
    for seed in range(20):
        values = places(slider, 12, random.Random(seed))
        assert len(values) == 12
        top = slider.get("max", len(slider.get("_options_labels", ())) - 1)
        assert all(slider.get("min", 0) <= value <= top for value in values)
        assert all(one != other for one, other in itertools.pairwise(values))
    assert places({"min": 1, "max": 1, "step": 1, "value": 1}, 3, random.Random(0)) == []
