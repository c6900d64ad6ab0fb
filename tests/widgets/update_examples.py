"""A comparison of updates as it might be measured, without a training."""

from deployworkbook.formulas.shares import Share
from deployworkbook.updates.comparison import FormUpdate, UpdateComparison, UpdateResult
from deployworkbook.updates.making import PatchSizes
from deployworkbook.updates.retraining import Way
from deployworkbook.updates.scores import Change


def form(new, old, patch_bytes):
    sizes = PatchSizes(patch_bytes, "XOR", 107_000, 90_000, {"XOR": patch_bytes}, None)
    return FormUpdate(
        "int8",
        b"",
        Share(new, 1000),
        Share(old, 1000),
        Change(0, new - 720, 1000),
        Change(980 - old, 0, 1000),
        sizes,
        None,
    )


COMPARISON = UpdateComparison(
    labelled=1000,
    drifted={"int8": Share(720, 1000)},
    clean={"int8": Share(980, 1000)},
    results=(
        UpdateResult(Way("all weights"), {"int8": form(920, 940, 43_000)}, 1.0),
        UpdateResult(Way("output layer", is_partial=True), {"int8": form(840, 970, 1000)}, 1.0),
    ),
)
