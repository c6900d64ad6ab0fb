"""Modelled cycles: by hand, and within their bounds."""

import pytest

from deployworkbook.formulas.cycles import KINDS, TIMINGS, Cycles, cycles_of


def test_a_copy_loop_takes_what_the_manual_says():
    # LDRB, STRB, SUBS, BNE, 100 times: 2 + 2 + 1 + 2, and the last branch 1 less; then BX LR.
    counts = {"load": 100, "store": 100, "other": 100, "branch": 99 + 1, "not_taken": 1}
    assert cycles_of(counts, core="cortex-m0plus") == Cycles(700 - 1 + 2, 700 - 1 + 2)


def test_a_push_takes_a_cycle_and_one_per_register():
    assert cycles_of({"multiple": 1, "transfer": 5}, core="cortex-m0plus").low == 6
    assert cycles_of({"return": 1, "transfer": 5}, core="cortex-m0plus").low == 8


@pytest.mark.parametrize("core", TIMINGS)
def test_bounds_are_in_order_and_grow_with_the_counts(core):
    for kind in TIMINGS[core].cycles:
        once, twice = (cycles_of({kind: n}, core=core) for n in (1, 2))
        assert 0 < once.low <= once.middle <= once.high
        assert (twice.low, twice.high) == (2 * once.low, 2 * once.high)


def test_no_core_issues_more_than_two_instructions_a_cycle():
    for core, timing in TIMINGS.items():
        for kind, (low, _) in timing.cycles.items():
            assert low >= (0.5 if core == "cortex-m7" else 1), kind
        assert "ARM" in timing.source


def test_a_kind_that_a_core_lacks_is_refused_unless_it_never_runs():
    assert cycles_of({"divide": 0, "other": 1}, core="cortex-m0plus").low == 1
    with pytest.raises(ValueError, match="of cortex-m0plus: expected one of"):
        cycles_of({"divide": 1}, core="cortex-m0plus")
    with pytest.raises(ValueError, match="Did you mean load"):
        cycles_of({"loads": 1}, core="cortex-m4")
    with pytest.raises(ValueError, match="'cortex-m0plus'"):
        cycles_of({"load": 1}, core="avr")
    with pytest.raises(ValueError, match="load: expected"):
        cycles_of({"load": -1}, core="cortex-m4")
    assert set().union(*(timing.cycles for timing in TIMINGS.values())) == set(KINDS)
