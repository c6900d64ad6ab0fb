"""The cost explorers agree with the cost model."""

import itertools
import subprocess
import sys

import numpy as np
import pytest

from deployworkbook.costs.advice.storing import storage_options
from deployworkbook.costs.estimation.curves import break_even, total_along
from deployworkbook.costs.estimation.deployment import Deployment
from deployworkbook.costs.estimation.model import estimate
from deployworkbook.costs.estimation.profile import Profile
from deployworkbook.costs.estimation.workload import OFFICE_DAY, Workload
from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.widgets.cloud_or_edge import RATES_PER_S, cloud_or_edge_explorer
from deployworkbook.widgets.cost import cost_explorer
from deployworkbook.widgets.cost_controls import size_slider
from deployworkbook.widgets.price_stress import stress_explorer
from deployworkbook.widgets.replicas import replicas_explorer
from deployworkbook.widgets.storage_choice import CURVE_READS, storage_explorer
from tests.controls import ends_of, made_once

PROFILE = Profile("float32", "numpy", 0.02, 0.1, 0.98, 407_080, 380_000, 100e6)
CLOUD = Deployment(PROFILE)
WORK = Workload(100.0, daily_shape=OFFICE_DAY)


@made_once
def cost():
    return cost_explorer(WORK, CLOUD)


@made_once
def cloud_or_edge():
    return cloud_or_edge_explorer(WORK, CLOUD)


@made_once
def stress():
    return stress_explorer(WORK, CLOUD)


@made_once
def storage():
    return storage_explorer()


def alt(explorer):
    return explorer._view.picture.alt


def table(explorer):
    return dict(explorer._view.table(explorer.result))


def test_the_cost_explorer_starts_with_the_estimate():
    explorer = cost()
    found = estimate(WORK, CLOUD)
    assert explorer.result.bill.by_kind_usd == found.by_kind_usd
    assert table(explorer)["per month"] == f"{found.total_usd_per_month:,.2f} USD"
    assert "maintenance 9" in alt(explorer)


def test_each_control_sets_the_input_it_is_named_after():
    explorer = cost()
    moved = explorer.set(
        requests_per_s=5000.0,
        request_kb=10.0,
        response_kb=2.0,
        replicas=9,
        spot_share=0.5,
        storage="network-ssd",
        updates_per_month=4,
        wage_usd_per_hour=100.0,
    ).bill
    wanted = estimate(
        Workload(
            5000.0,
            daily_shape=OFFICE_DAY,
            request_bytes=10_000,
            response_bytes=2000,
            updates_per_month=4,
        ),
        Deployment(PROFILE, replicas=9, spot_share=0.5, storage="network-ssd"),
        values={"engineer_wage_usd_per_hour": 100.0},
    )
    assert moved.parts == wanted.parts


def test_what_serves_decides_which_controls_matter():
    explorer = cost()
    function = explorer.set(serving="serverless", spot_share=0.5, committed_share=0.8, replicas=5)
    names = {part.name for part in function.bill.parts}
    assert "function requests" in names
    assert not {"serving, on demand", "load balancer"} & names
    assert explorer._widgets["replicas"].disabled
    own = explorer.set(serving="machines", balancer="network").bill
    hours = {part.name: part.quantity for part in own.parts}
    # Four fifths are committed to, so a fifth at most is left to the spot market.
    assert hours["serving, committed"] == pytest.approx(0.8 * 5 * 730)
    assert hours["serving, spot"] == pytest.approx(0.2 * 5 * 730 * 1.05)
    assert "between zones" in hours
    assert not explorer._widgets["replicas"].disabled


@pytest.mark.parametrize("size_bytes", [100.0, 250.0, 3217.0, 1e6])
def test_a_payload_slider_starts_at_the_given_size(size_bytes):
    slider = size_slider("size_kb", "a payload", size_bytes)
    assert slider.widget().value == size_bytes / 1000
    assert ends_of(slider) == (0.1, 1000.0)


def test_initial_values_are_not_rounded_to_the_nearest_step():
    work = Workload(2013.7, request_bytes=3217.0, updates_per_month=2.5)
    explorer = cost_explorer(work, CLOUD)
    assert explorer.values["requests_per_s"] == 2013.7
    assert explorer.values["updates_per_month"] == 2.5
    assert explorer.result.bill.total_usd_per_month == estimate(work, CLOUD).total_usd_per_month


def test_bars_show_the_parts_and_areas_the_shares():
    explorer = cost()
    result, view = explorer.set(requests_per_s=1e4), explorer._view
    maintenance = [bar.get_width() for bar in view._bars.rows[3]._bars]
    parts = [float(part.cost_usd) for part in result.bill.parts if part.kind == "maintenance"]
    assert maintenance[: len(parts)] == sorted(parts, reverse=True)
    last = view._bars.rows[4]
    together = [bar.get_width() for bar in last._bars]
    assert sum(together) == pytest.approx(float(result.bill.total_usd_per_month))
    assert last._text.get_text().strip() == f"{result.bill.total_usd_per_month:,.0f}"
    assert view._bars.axes.get_xlim()[1] > sum(together)
    top = max(point[1] for point in view._areas["maintenance"].get_xy())
    assert top == pytest.approx(1.0)


def test_too_few_replicas_are_reported():
    explorer = cost()
    result = explorer.set(requests_per_s=1e4, replicas=1)
    assert result.bill.replicas_needed > 1
    needed = f"{result.bill.replicas_needed}"
    assert f"1 replica can't keep up: the busiest hour needs {needed}." in alt(explorer)
    assert f"too few: {needed} are needed" in table(explorer)["replicas in the busiest hour"]


def test_the_boards_are_cheaper_beyond_the_models_break_even_point():
    explorer = cloud_or_edge()
    even = explorer.result.break_even_per_s
    edge = Deployment(PROFILE, machine="raspberry-pi-5-4gb", devices=100)
    assert even == pytest.approx(break_even(WORK, CLOUD, edge), rel=2e-3)
    for rate, is_edge_cheaper in ((0.98 * even, False), (1.02 * even, True)):
        cloud_usd, edge_usd = explorer.set(requests_per_s=rate).totals_usd
        assert (edge_usd < cloud_usd) == is_edge_cheaper
    assert "The boards are cheaper from" in alt(explorer)


def test_lower_wages_lower_the_break_even_point():
    explorer = cloud_or_edge()
    before = explorer.result.break_even_per_s
    # Boards need more of people's time than a cloud does.
    assert explorer.set(wage_usd_per_hour=20.0).break_even_per_s < before


def test_boards_that_cannot_serve_are_reported_and_not_drawn():
    explorer = cloud_or_edge()
    result = explorer.set(requests_per_s=1e5, devices=1, board="raspberry-pi-zero-2-w")
    assert result.totals_usd[1] == np.inf
    assert result.most_of_boards_per_s < 1e5
    assert "cannot serve them" in alt(explorer)
    assert table(explorer)["edge"] == "cannot serve"
    assert explorer._view._bars.rows[1]._text.get_text().strip() == "cannot serve"
    assert explorer.set(devices=10_000, requests_per_s=1.0).totals_usd[1] < np.inf


def test_boards_may_be_cheaper_at_every_rate_or_at_none():
    explorer = cloud_or_edge()
    result = explorer.set(devices=1, board="raspberry-pi-zero-2-w")
    assert result.break_even_per_s == RATES_PER_S[0]
    # The slider's end is not a break-even point.
    assert "cheaper from the beginning of the range, 0.1 requests per second" in alt(explorer)
    assert "for each board" not in table(explorer)["the boards are cheaper"]
    result = explorer.set(devices=10_000, board="jetson-orin-nano-super")
    assert result.break_even_per_s is None
    assert "cheaper at no rate" in alt(explorer)


@pytest.mark.parametrize(
    ("devices", "board"),
    [(100, "raspberry-pi-5-4gb"), (10_000, "raspberry-pi-5-4gb"), (1, "raspberry-pi-zero-2-w")],
)
def test_the_capacity_of_all_boards_is_found_even_beyond_the_picture(devices, board):
    explorer = cloud_or_edge()
    most = explorer.set(devices=devices, board=board).most_of_boards_per_s
    edge = Deployment(PROFILE, machine=board, devices=1)
    rates = np.array([0.998, 1.002]) * most / devices
    costs = total_along("requests_per_s", rates, WORK, edge)
    assert np.isfinite(costs).tolist() == [True, False]


def test_a_catalogue_without_boards_is_refused():
    book = load_catalog()
    clouds = {name: each for name, each in book.machines.items() if each.kind != "edge"}
    bare = type(book)(**{**vars(book), "machines": clouds})
    with pytest.raises(ValueError, match="edge"):
        cloud_or_edge_explorer(WORK, CLOUD, bare)


def test_storage_is_compared_by_the_model_in_the_catalogues_order():
    explorer = storage()
    result = explorer.set(stored_gib=50.0, reads_per_month=1e6, read_kb=100.0, writes_per_month=1e3)
    assert [option.storage.name for option in result.options] == list(load_catalog().storage)
    wanted = storage_options(50.0, reads_per_month=1e6, writes_per_month=1e3, read_bytes=1e5)
    assert result.options[result.best] == wanted[0]
    assert f"{wanted[0].storage.name} is the cheapest" in alt(explorer)


@pytest.mark.parametrize("reads", [1.0, 1e4, 1e8])
def test_the_curves_by_reads_agree_with_the_model(reads):
    explorer = storage()
    explorer.set(stored_gib=10.0, reads_per_month=1e5, read_kb=1000.0)
    place = int(np.argmin(abs(CURVE_READS - reads)))
    wanted = {
        option.storage.name: option.cost_usd_per_month
        for option in storage_options(
            10.0, reads_per_month=CURVE_READS[place], writes_per_month=1.0, read_bytes=1e6
        )
    }
    found = explorer.result.curves_usd[:, place]
    np.testing.assert_allclose(found, [wanted[name] for name in load_catalog().storage], rtol=1e-9)


def test_storage_that_is_too_slow_is_not_chosen():
    explorer = storage()
    explorer.set(stored_gib=100.0)
    often = explorer.set(reads_per_month=1e10, read_kb=4.0)
    assert not often.able[[option.storage.kind == "hdd" for option in often.options]].any()
    assert "can't keep up" in table(explorer)["cold-hdd"]
    explorer.reset()
    quick = explorer.set(stored_gib=100.0, read_limit_ms=1.0)
    assert [
        each.storage.name for each, able in zip(quick.options, quick.able, strict=True) if able
    ] == ["local-ssd"]
    assert explorer.set(read_limit_ms=0.1).best is None
    assert "no kind of storage is fast enough" in alt(explorer)


def test_a_read_is_at_most_all_stored_data():
    result = storage_explorer(stored_gib=0.001).set(read_kb=1e7)
    assert result.read_bytes == pytest.approx(0.001 * 2**30)


def test_the_cost_at_changed_prices_agrees_with_the_model():
    explorer = stress()
    assert explorer.result.change == pytest.approx(0.0)
    result = explorer.set(compute=2.0, storage=0.5, network=3.0, maintenance=1.1)
    wanted = estimate(
        WORK,
        CLOUD,
        values={
            "compute_price_ratio": 2.0,
            "storage_price_ratio": 0.5,
            "network_price_ratio": 3.0,
            "wage_ratio": 1.1,
        },
    )
    for kind, cost in wanted.by_kind_usd.items():
        assert result.then_usd[kind] == pytest.approx(float(cost), abs=0.05)
    assert f"({result.change:+.1%})" in alt(explorer)


def test_the_noticed_factor_raises_the_total_by_a_tenth():
    explorer = stress_explorer(Workload(3000.0), CLOUD)
    for kind in explorer.result.today_usd:
        factor = explorer.result.factor_noticed(kind)
        if factor <= 4:
            assert explorer.set(**{kind: factor}).change == pytest.approx(0.1)
            explorer.reset()


def test_a_kind_that_costs_nothing_has_no_noticed_factor():
    explorer = stress_explorer(Workload(0.0, logged_share=0.0), CLOUD)
    free = explorer.result.__class__(
        **{**vars(explorer.result), "today_usd": {"compute": 1.0, "network": 0.0}}
    )
    assert free.factor_noticed("network") == np.inf


def test_the_cost_of_replicas_is_shown_if_known():
    explorer = replicas_explorer(replica_usd_per_month=52.5)
    explorer.set(replicas=3)
    assert table(explorer)["these replicas cost"] == "157.50 USD per month, modelled"
    assert "these replicas cost" not in table(replicas_explorer())


def test_no_cost_explorer_loads_tensorflow():
    modules = ["cost", "cloud_or_edge", "storage_choice", "price_stress", "replicas"]
    imports = ", ".join(f"deployworkbook.widgets.{module}" for module in modules)
    code = (
        f"import sys, {imports}; "
        "print([name for name in ('tensorflow', 'tf_keras', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.usefixtures("drawn")
@pytest.mark.parametrize("make", [cost, cloud_or_edge, stress])
def test_tick_labels_do_not_touch(make):
    explorer = make()
    most = {each: ends_of(control)[-1] for each, control in explorer.controls.items()}
    least = {each: ends_of(control)[0] for each, control in explorer.controls.items()}
    for rate in (0.1, 1e3, 1e5):
        explorer.set(**{**(least if rate < 1 else most), "requests_per_s": rate})
        picture = explorer._view.picture
        for axes in picture.axes:
            low, high = axes.get_xlim()
            labels = [
                label.get_window_extent()
                for place, label in zip(axes.get_xticks(), axes.get_xticklabels(), strict=True)
                if low <= place <= high and label.get_text()
            ]
            for left, right in itertools.pairwise(labels):
                assert left.x1 + 2 < right.x0
            assert labels[-1].x1 <= picture.bbox.x1


def test_the_highest_cost_is_within_the_picture():
    explorer = cloud_or_edge()
    dearest = explorer.set(requests_per_s=1e5, response_kb=explorer.controls["response_kb"].high)
    curves = explorer._view.picture.axes[0]
    assert max(dearest.cloud_by_rate_usd) < curves.get_ylim()[1]
