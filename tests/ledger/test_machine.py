"""The description of the machine."""

from dataclasses import replace

from deployworkbook.ledger.machine import this_machine


def test_it_is_the_same_each_time():
    assert this_machine() == this_machine()
    assert this_machine().identity == this_machine().identity


def test_another_machine_has_another_identity():
    here = this_machine()
    assert replace(here, cores=here.cores + 1).identity != here.identity
    assert replace(here, processor="another").identity != here.identity


def test_it_reads_well():
    here = this_machine()
    assert here.processor
    assert f"{here.cores} cores" in str(here)
    assert "GiB" in str(here)
