"""Microcontrollers: which a compiled variant fits, from the ledger to the plan."""

from dataclasses import replace

import pytest

from deployworkbook.costs.advice.advise import advise
from deployworkbook.costs.advice.chips import choose_chips
from deployworkbook.costs.estimation.chip_form import ChipForm
from deployworkbook.costs.estimation.from_ledger import comparable, measured_in
from deployworkbook.costs.estimation.workload import Workload
from deployworkbook.costs.plan.making import make_plan
from deployworkbook.costs.plan.sections import sections_of
from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.costs.prices.microcontroller import RUNS_ON
from deployworkbook.ledger.machine import this_machine
from deployworkbook.ledger.measurement import LedgerEntry, Measurement

SPARSE = ChipForm("prune97.5-int4", "cortex-m0plus", 5_000, 1_400, 0.9804, 80_000.0)


def names(choice):
    return [chip.name for chip in choice.fits]


def test_programs_of_the_smallest_core_run_on_the_larger_one_too():
    (choice,) = choose_chips([SPARSE])
    assert names(choice) == ["RP2040", "STM32G031K8", "STM32L412KB", "nRF52840"]
    assert choice.chip.name == "RP2040"
    (choice,) = choose_chips([replace(SPARSE, core="cortex-m4")])
    assert names(choice) == ["STM32L412KB", "nRF52840"]
    for core, others in RUNS_ON.items():
        assert others[0] == core


def test_both_memories_must_suffice_to_the_byte():
    chip = load_catalog().microcontroller("STM32G031K8")
    for flash, ram, fits in (
        (chip.flash_bytes, chip.ram_bytes, True),
        (chip.flash_bytes + 1, chip.ram_bytes, False),
        (chip.flash_bytes, chip.ram_bytes + 1, False),
    ):
        (choice,) = choose_chips([replace(SPARSE, flash_bytes=flash, ram_bytes=ram)])
        assert (chip.name in names(choice)) == fits


def test_a_form_without_a_chip_says_why_and_comes_last():
    large = replace(SPARSE, variant="large", flash_bytes=10**7)
    crude = replace(SPARSE, variant="crude", accuracy_share=0.9)
    avr = replace(SPARSE, variant="avr", core="avr")
    choices = choose_chips([large, crude, avr, SPARSE], accuracy_share=0.97)
    assert choices[0].form.variant == SPARSE.variant
    reasons = {choice.form.variant: choice.reason for choice in choices}
    assert reasons[SPARSE.variant] == ""
    assert "10,000,000 bytes of flash" in reasons["large"]
    assert reasons["crude"] == "accuracy 90.00% of 97.00%"
    assert "no chip of the catalogue" in reasons["avr"]
    assert all(choice.chip is None for choice in choices[1:])


def entry(number, measurement):
    return LedgerEntry(number, "2026-11-30T00:00:00+00:00", this_machine(), measurement)


def rows():
    """A timed row, and two of an emulated core, of which the newer counts."""
    shared = {"correct": 9_804, "examples": 10_000}
    timed = Measurement(
        *("int8", "litert", "2", "mnist", "print"),
        **shared,
        size_bytes=105_920,
        latency_p50_ms=0.004,
        peak_memory_bytes=190_000_000,
    )
    counted = Measurement(
        *("prune97.5-int4", "cortex-m0plus", "0.17", "mnist", "print"),
        **shared,
        flash_bytes=6_000,
        ram_bytes=1_400,
        instructions_per_image=80_000.0,
    )
    newer = replace(counted, flash_bytes=5_000)
    return [entry(1, timed), entry(2, counted), entry(3, newer)]


def test_rows_of_emulated_cores_are_forms_for_chips_not_profiles():
    measured = measured_in(rows())
    assert [profile.name for profile in measured.profiles] == ["int8 in litert"]
    assert measured.left_out == ()
    assert measured.chip_forms == (SPARSE,)
    assert [each.id for each in comparable(rows(), measured)] == [1]


def test_a_ledger_of_emulated_cores_alone_has_no_times():
    with pytest.raises(ValueError, match="expected timed rows"):
        measured_in(rows()[1:])


def test_a_row_without_memories_is_no_form():
    assert ChipForm.from_measurement(rows()[0].measurement) is None


def test_the_plan_names_the_chip(int8):
    advice = advise(Workload(10.0), [int8], accuracy_share=0.97)
    title = "On a microcontroller instead"
    assert title not in [section.title for section in sections_of(make_plan(advice))]
    plan = make_plan(advice, chip_forms=[SPARSE, replace(SPARSE, accuracy_share=0.5)])
    (section,) = [each for each in sections_of(plan) if each.title == title]
    assert section.rows[0][0] == "prune97.5-int4"
    assert section.rows[0][4:] == ("RP2040", "1.15")
    assert section.rows[1][4] == "accuracy 50.00% of 97.00%"
