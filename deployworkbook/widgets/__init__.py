"""Explorers: controls, a plain function from their values to a result, and a view of it.

An explorer is shown by a notebook when it is the last line of a cell; ``set`` moves its controls
from code, and returns the result. Training and compression:

    from deployworkbook.widgets import (
        PATIENTS,
        descent_explorer,
        diabetes_regression,
        divergence_explorer,
        importance_explorer,
        learning_rate_sweep_explorer,
        loss_explorer,
        parabola_explorer,
        quantizer_explorer,
        temperature_explorer,
    )

    explorer = quantizer_explorer(weights)
    print(explorer.set(bits=4, clipping="mse").sqnr_db)
    loss_explorer()
    parabola_explorer()
    descent_explorer()
    learning_rate_sweep_explorer()
    divergence_explorer()
    importance_explorer(kernel, {"magnitude": scores}, images)
    temperature_explorer(logits, images, labels)
    print(diabetes_regression().curvatures, "of", PATIENTS, "patients")

Runtimes and serving:

    from deployworkbook.widgets import (
        batching_explorer,
        overhead_explorer,
        platform_choice_explorer,
        replicas_explorer,
    )

    overhead_explorer({each.name: each.batch_s for each in results})
    platform_choice_explorer(figures)
    batching_explorer(call_us=2000, image_us=100, rate_per_s=300)
    replicas_explorer(rate_per_s=100, service_ms=5)

Money:

    from deployworkbook.widgets import (
        advice_explorer,
        cloud_or_edge_explorer,
        cost_explorer,
        storage_explorer,
        stress_explorer,
    )

    cost_explorer(workload, deployment)
    cloud_or_edge_explorer(workload, deployment)
    stress_explorer(workload, deployment)
    storage_explorer(stored_gib=100)
    advice_explorer(profiles, workload, accuracy_share=0.97)

Monitoring:

    from deployworkbook.widgets import alarm_explorer, budget_explorer, drift_explorer

    drift_explorer(model.get_weights(), (held_out, held_out_labels), (images, labels))
    alarm_explorer(clean_scores, {"rotated by 20°": rotated_scores})
    budget_explorer()

Devices in the field:

    from deployworkbook.widgets import battery_explorer, fit_explorer, update_explorer

    fit_explorer(measured, model=(model.get_weights(), images, labels))
    battery_explorer(cycles=100_000)
    update_explorer(full_bytes=5_000, patch_bytes=1_000)

Language models:

    from deployworkbook.widgets import (
        block_explorer,
        cache_explorer,
        roofline_explorer,
        token_cost_explorer,
    )

    block_explorer(weights)
    cache_explorer(model="llama-3.1-70b")
    roofline_explorer(model="llama-3.1-8b", accelerator="l4")
    token_cost_explorer(model="llama-3.1-70b", accelerator="h100")

Updates, privacy and attacks:

    from deployworkbook.widgets import extraction_explorer, privacy_explorer, retraining_explorer

    retraining_explorer(compare_updates(files, data))
    privacy_explorer([train_privately(data)], examples=len(data.train))
    extraction_explorer({"none": extract_model(predict, images, data.test)})

A workshop has controls of your own, and builds something that takes long:

    from deployworkbook.widgets import Choice, Slider, Workshop

    bits = Choice("bits", "bits per weight", ("8", "4"), "4")
    epochs = Slider("epochs", "epochs", 1, 9, 1, 3)
    workshop = Workshop([bits, epochs], build, points=[point], budget=budget)
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
