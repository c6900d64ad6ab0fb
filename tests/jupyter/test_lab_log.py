"""Which log messages the lab's terminal shows."""

import logging

import pytest
from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClosedError

from deployworkbook.jupyter.lab_log import LOGGERS, ActionableOnly, quieten


@pytest.fixture
def log(caplog):
    logger, only = logging.getLogger("a server"), ActionableOnly()
    logger.addFilter(only)
    yield logger
    logger.removeFilter(only)


def raised(log, error):
    try:
        raise error
    except type(error):
        log.exception("Uncaught exception")


def test_routine_messages_are_hidden(log, caplog):
    log.warning("Notebook %s is not trusted", "04_training.ipynb")
    log.warning("The websocket_ping_timeout (90000) cannot be longer than the interval (30000).")
    raised(log, WebSocketClosedError())
    raised(log, StreamClosedError())
    assert caplog.records == []


def test_errors_from_closing_a_tab_while_its_kernel_starts_are_hidden(log, caplog):
    log.error("500 GET /api/kernels/1/channels before")
    raised(log, AttributeError("gone", name="kernel_ws_protocol"))
    log.error('{\n  "Host": "127.0.0.1"\n}')
    log.error("500 GET /api/kernels/1/channels?session_id=2 (127.0.0.1) 2812.30ms")
    log.error("500 GET /api/kernels/1/channels after")
    assert [record.getMessage()[-6:] for record in caplog.records] == ["before", " after"]


def test_errors_and_other_warnings_are_shown(log, caplog):
    log.warning("Blocking request from an unknown origin")
    raised(log, ValueError("a real error"))
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]


def test_all_of_the_servers_loggers_are_filtered():
    before = {name: list(logging.getLogger(name).filters) for name in LOGGERS}
    try:
        quieten()
        for name in LOGGERS:
            assert isinstance(logging.getLogger(name).filters[-1], ActionableOnly)
    finally:
        for name, filters in before.items():
            logging.getLogger(name).filters = filters
