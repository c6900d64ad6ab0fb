"""Kept results say where they come from, and what they say is an interval over seeds."""

import pytest

from deployworkbook.compression.results import NAMES, read_results


def differences(name):
    """Each difference, as points and interval."""
    results = read_results(name)
    if "against" not in results:
        yield {"points": results["difference"], "interval": results["interval"]}
        return
    for found in results["against"].values():
        if "interval" in found:
            yield found
            continue
        for forms in found.values():
            yield from forms.values()


@pytest.mark.parametrize("name", NAMES)
def test_results_name_their_command_machine_date_and_seeds(name):
    provenance = read_results(name)["provenance"]
    assert provenance["command"].startswith("pytest -m report -s tests/benchmarks/test_")
    assert {"machine", "date", "seconds", "versions"} <= set(provenance)
    assert provenance["seeds"] in ([0, 1, 2, 3, 4], [0, 1, 2])


@pytest.mark.parametrize("name", NAMES)
def test_differences_are_intervals_around_their_points(name):
    found = list(differences(name))
    assert found
    for each in found:
        low, high = each["interval"]
        assert low <= each["points"] <= high


def test_unknown_results_are_refused_with_the_names_that_there_are():
    with pytest.raises(ValueError, match="'ablation', 'decoder_student', 'frontier', 'pruning'"):
        read_results("edge")


def test_the_ablation_compares_each_recipe_with_the_whole_one():
    arms = read_results("ablation")["against"]
    whole, *others = arms.values()
    assert (whole["points"], whole["interval"]) == (0, [0, 0])
    assert len(others) >= 5
    means = [sum(arm["test"]) / len(arm["test"]) for arm in arms.values()]
    for arm, mean in zip(arms.values(), means, strict=True):
        # Both are rounded to a hundredth of a point.
        assert arm["points"] == pytest.approx(100 * (mean - means[0]), abs=0.011)


def test_the_students_difference_is_the_mean_of_their_pairs():
    results = read_results("decoder_student")
    alone, taught = (results["bits_per_byte"][name] for name in ("alone", "taught"))
    assert len(alone) == len(taught) == 3
    gained = [after - before for before, after in zip(alone, taught, strict=True)]
    assert results["difference"] == pytest.approx(sum(gained) / 3, abs=1e-4)
    assert results["student"]["weights"] < results["teacher"]["weights"] / 3
