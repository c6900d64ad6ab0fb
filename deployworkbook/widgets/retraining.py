"""The retraining explorer: which way to update a model, and how often."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from deployworkbook.costs.prices.catalog import Catalog
from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.plots.retraining import RetrainingResult, RetrainingView, WayScore
from deployworkbook.updates.fleet import fleet_update
from deployworkbook.updates.schedule import retraining_schedule
from deployworkbook.widgets.controls import Choice, LogSlider, Slider
from deployworkbook.widgets.explorer import Explorer

if TYPE_CHECKING:
    from deployworkbook.updates.comparison import UpdateComparison

NONE = "none"


def compute_retraining(
    comparison: UpdateComparison,
    catalog: Catalog,
    *,
    way: str,
    form: str,
    new_percent: float,
    devices: float,
    link: str,
    cents_per_label: float,
    lost_points_per_day: float,
    requests_per_day: float,
    cents_per_mistake: float,
) -> RetrainingResult:
    """Compute what an update brings and costs, and how often it pays.

    Args:
        comparison: Measured ways of updating.
        catalog: Prices and assumptions.
        way: Name of the way.
        form: Name of the model's form.
        new_percent: Percent of the traffic that are new images.
        devices: Number of devices.
        link: Catalogue name of the radio that receives updates.
        cents_per_label: Price of a label, in US cents.
        lost_points_per_day: Percentage points of accuracy that the traffic loses per day.
        requests_per_day: Requests per day of the whole fleet.
        cents_per_mistake: Cost of a wrong answer, in US cents.
    """
    scores = _scores(comparison, form, new_percent / 100)
    chosen = next(each for each in scores if each.name == way)
    updated = next(each for each in comparison.results if each.way.name == way).forms[form]
    whole = updated.patch.full_compressed_bytes
    fleet = fleet_update(
        whole,
        patch_bytes=updated.patch.patch_bytes if chosen.file_bytes < whole else None,
        link=link,
        devices=round(devices),
        catalog=catalog,
    )
    update_usd = fleet.total_usd + comparison.labelled * cents_per_label / 100
    schedule = None
    if chosen.mixed > scores[0].mixed:
        schedule = retraining_schedule(
            update_usd=update_usd,
            requests_per_day=requests_per_day,
            usd_per_mistake=cents_per_mistake / 100,
            lost_per_day=lost_points_per_day / 100,
            remaining_share=max(each.mixed for each in scores) - chosen.mixed,
        )
    return RetrainingResult(form, way, scores, update_usd, fleet.data_usd, schedule)


def _scores(comparison: UpdateComparison, form: str, new_share: float) -> tuple[WayScore, ...]:
    def score(name: str, new: float, old: float, size: int) -> WayScore:
        return WayScore(name, new, old, new_share * new + (1 - new_share) * old, size)

    before = score(NONE, comparison.drifted[form].value, comparison.clean[form].value, 0)
    after = []
    for result in comparison.results:
        each = result.forms[form]
        size = min(each.patch.patch_bytes, each.patch.full_compressed_bytes)
        after.append(score(result.way.name, each.drifted.value, each.clean.value, size))
    return (before, *after)


def retraining_explorer(
    comparison: UpdateComparison, *, catalog: Catalog | None = None
) -> Explorer[RetrainingResult]:
    """Make the retraining explorer.

    Args:
        comparison: Measured ways of updating, such as ``compare_updates``'s.
        catalog: Prices and assumptions; by default the shipped catalogue.
    """
    book = load_catalog() if catalog is None else catalog
    ways = tuple(each.way.name for each in comparison.results)
    forms = tuple(comparison.drifted)
    links = tuple(book.radios)
    controls = [
        Choice("way", "what is trained", ways, ways[0]),
        Choice("form", "form", forms, forms[-1]),
        Slider("new_percent", "new images", 0, 100, 1, 50, unit="%"),
        LogSlider("devices", "devices", 1.0, 1_000_000.0, 10, 10_000.0),
        Choice("link", "radio", links, "lte-m" if "lte-m" in links else links[0]),
        LogSlider("cents_per_label", "a label", 0.1, 1000.0, 10, 5.0, unit="US cents"),
        LogSlider("lost_points_per_day", "lost per day", 0.001, 10.0, 10, 0.1, unit="points"),
        LogSlider("requests_per_day", "requests per day", 100.0, 1e8, 10, 10_000.0),
        LogSlider("cents_per_mistake", "a mistake", 0.01, 1000.0, 10, 5.0, unit="US cents"),
    ]
    rows = (comparison.drifted, comparison.clean)
    values = [each.value for row in rows for each in row.values()]
    values += [
        each.value
        for result in comparison.results
        for form in result.forms.values()
        for each in (form.drifted, form.clean)
    ]
    lowest = max(0.0, int(10 * min(values)) / 10 - 0.1)
    note = "Accuracies and bytes measured, of the forms in the lesson; costs modelled."
    view = RetrainingView((NONE, *ways), lowest, note)
    return Explorer(controls, partial(compute_retraining, comparison, book), view)
