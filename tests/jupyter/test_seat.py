"""A learner's server below a hub."""

from deployworkbook.jupyter import seat
from deployworkbook.jupyter.lab import options
from deployworkbook.workspace.folder import Workspace


def test_a_seat_has_the_labs_settings_but_the_hub_decides_where_it_listens(tmp_path):
    workspace = Workspace(tmp_path).create()
    given = dict(each.split("=", 1) for each in seat.server_options(workspace))
    lab = dict(each.split("=", 1) for each in options(workspace, port=None, open_browser=False))
    assert not set(given) & {f"--{name}" for name in seat.HUB_DECIDES}
    kept = set(lab) - {f"--{name}" for name in (*seat.HUB_DECIDES, *seat.REPLACED)}
    assert {name: given[name] for name in kept} == {name: lab[name] for name in kept}


def test_a_seats_kernels_are_bounded_and_culled(tmp_path):
    given = dict(each.split("=", 1) for each in seat.server_options(Workspace(tmp_path).create()))
    assert given["--ServerApp.kernel_manager_class"].endswith(".BoundedKernels")
    assert int(given["--MappingKernelManager.cull_idle_timeout"]) > 1200
    # tornado allows no longer time for the answer than between two pings.
    interval = int(given["--ServerApp.websocket_ping_interval"])
    assert 30 < int(given["--ServerApp.websocket_ping_timeout"]) <= interval < 60


def test_the_hub_opens_the_labs_first_page(tmp_path):
    assert seat.first_page(Workspace(tmp_path).create()).startswith("/lab/tree/")
