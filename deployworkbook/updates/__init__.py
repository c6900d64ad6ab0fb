"""Updates of a deployed model: patches, learning on, what it costs a fleet, and when to do it.

A patch turns one file into the next, bit for bit; the smallest coding is found and recorded:

    from deployworkbook.updates import apply_patch, make_patch

    made = make_patch("old.tflite", "new.tflite", "update.patch", old_version="1", new_version="2")
    print(made.sizes.patch_bytes, made.sizes.full_compressed_bytes, made.sizes.coding)
    apply_patch("model.tflite", "update.patch")

Ways of learning on from drifted images, each with what it forgets and the bytes to send. ``WAYS``
are those compared by default:

    from deployworkbook.training import load_dataset
    from deployworkbook.updates import WAYS, compare_updates

    forms = {"float32": float32_file, "int8": int8_file}
    comparison = compare_updates(forms, load_dataset(), labelled=1000, ways=WAYS)
    print(comparison.rows())

One of them alone, and the file that it makes on the old scales:

    from deployworkbook.updates import Way, parameters_of, retrain, with_weights

    way = Way("output layer, slowly", is_partial=True, learning_rate=0.0003)
    weights = retrain(parameters_of(float32_file), way, new_images, old_images)
    int8_update = with_weights(int8_file, weights, scales="old")

What an update costs a fleet, and how often it pays to retrain:

    from deployworkbook.updates import fleet_update, retraining_schedule

    update = fleet_update(92_000, patch_bytes=1_000, link="lte-m", devices=10_000)
    schedule = retraining_schedule(
        update_usd=update.total_usd,
        requests_per_day=1e6,
        usd_per_mistake=0.001,
        lost_per_day=0.001,
    )
    print(schedule.best_days)
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
