"""Plots: functions that turn results into pictures, without computing or reading files.

Each function returns a picture that a notebook shows, with alternative text.
Training and classification:

    from deployworkbook.plots import (
        confusion_picture,
        labelled_images,
        loss_curves,
        losses_by_probability,
        network_picture,
        parabola_paths,
        schedule_curves,
        text_table,
        training_curves,
        weight_histograms,
        work_curves,
    )

    training_curves(trained.history)
    loss_curves({"batch of 32": losses}, window=20)
    losses_by_probability([0.1, 0.5, 1.0], {"surprise": [2.3, 0.7, 0.0]})
    work_curves({"Adam": (images_seen, losses)}, work="images seen", title="Validation loss")
    schedule_curves({"linear": [0.3, 0.2, 0.1, 0.0]})
    parabola_paths({0.25: [4, 2, 1], 1.0: [4, -4, 4]})
    network_picture([first_kernel, second_kernel], [inputs, hidden, probabilities])
    confusion_picture(confusion)
    labelled_images(images[:6], ["7 as 1"] * 6)
    weight_histograms({"hidden": kernel})
    text_table([["int8", 8]], ["technique", "bits"])

Compression:

    from deployworkbook.plots import (
        Budget,
        FrontierPoint,
        accuracy_by_sparsity,
        gradient_norms,
        pixel_maps_picture,
        relative_bars,
        sensitivity_picture,
        sparsity_schedules,
        students_picture,
    )

    sensitivity_picture(by_layer)
    accuracy_by_sparsity([0.5, 0.9], {"fisher": [0.97, 0.95]}, title="Without retraining")
    sparsity_schedules([0, 100, 200], {"cubic": [0.0, 0.8, 0.95]})
    pixel_maps_picture({"mean importance": scores.mean(axis=1)})
    relative_bars(["float32", "int8"], {"size": [1.0, 0.26]})
    gradient_norms([1, 2, 4], {"with T²": [1.0, 0.9, 0.9]})
    students_picture({"temperature 3": pairs})
    point = FrontierPoint("int8", compressed_bytes=90_000, accuracy=0.97, latency_us=5.0)
    print(Budget(compressed_bytes=100_000, accuracy=0.95).is_met_by(point))

Platforms and servers:

    from deployworkbook.plots import (
        PlatformFigures,
        footprint_picture,
        latency_picture,
        load_over_time,
        roofline_picture,
        slots_picture,
        stall_picture,
        throughput_latency_curves,
        throughput_picture,
    )

    figures = [PlatformFigures.of(each) for each in results]
    footprint_picture(figures)
    throughput_picture(figures)
    latency_picture(single, title="One image")
    load_over_time(result, events={"version 2": 1.5})
    throughput_latency_curves({"gRPC": [slow, fast]})
    stall_picture({"closed loop": busy, "open loop": steady})
    roofline_picture({"decode": (0.5, 8e9)}, operations_per_s=110e9, bytes_per_s=20e9)
    slots_picture({"static": in_batches, "continuous": step_by_step})

Devices in the field:

    from deployworkbook.plots import MeasuredForm

    measured = [MeasuredForm(bits=4, sparsity=0.975, hidden=104, accuracy=0.98)]

Attacks:

    from deployworkbook.plots import roc_picture, share_curves

    roc_picture({"LiRA": study.attack("lira").roc})
    share_curves({"int8": (radii, accuracies)}, along="largest change of a pixel")

Money:

    from deployworkbook.plots import (
        bill_picture,
        life_cycle_picture,
        lineage_picture,
        rate_text,
        tornado_picture,
    )

    life_cycle_picture()
    lineage_picture(lineage_of(repository))
    bill_picture({rate_text(100): bill}, title="A month", note="Prices of January 2026")
    tornado_picture(swings, cost_usd=1200.0, note="Prices of January 2026")
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
