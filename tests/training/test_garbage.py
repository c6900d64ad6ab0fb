"""What a library makes while it loads is left out of later searches for garbage."""

import gc

from deployworkbook.training.garbage import loading_for_good


def test_what_was_loaded_for_good_is_not_searched_again():
    with loading_for_good():
        assert not gc.isenabled()
        loaded = [[] for _ in range(100)]
    assert gc.isenabled()
    searched = set(map(id, gc.get_objects()))
    assert id(loaded) not in searched
    assert gc.get_freeze_count() >= 100
