"""The description of this machine."""

from dataclasses import replace

from deployworkbook.ledger.machine import this_machine


def test_the_description_is_stable():
    assert this_machine() == this_machine()
    assert this_machine().identity == this_machine().identity


def test_different_machines_have_different_identities():
    here = this_machine()
    assert replace(here, cores=here.cores + 1).identity != here.identity
    assert replace(here, processor="another").identity != here.identity


def test_the_text_names_processor_cores_and_memory():
    here = this_machine()
    assert here.processor
    assert f"{here.cores} cores" in str(here)
    assert "GiB" in str(here)
