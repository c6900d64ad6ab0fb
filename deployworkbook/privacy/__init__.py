"""What a model gives away: who was in its data, what they looked like, and the model itself.

- ``private_training``, ``squares``: DP-SGD with an accountant: accuracy against ε.
- ``membership_attack``, ``attack_results``, ``form_leakage``: who was in the training set, by a
  threshold and by shadow models, and what compression does to that.
- ``inversion``: pictures of what a model takes for each class.
- ``federation``: devices that train together, and what they send.
- ``adversaries``: images that deceive a model's forms, and how they transfer.
- ``theft``: a copy through the API, and what less talkative answers cost.
- ``ordinary``, ``learning``, ``forms``, ``networks``, ``kept``, ``shares``: networks in NumPy,
  which are lists of weights like Keras's ``get_weights``, trained in seconds and kept.

Train with a bound on what any one image can reveal, and attack a model that learned by heart:

    from deployworkbook.privacy import (
        LeakageRecipe,
        NetworkRecipe,
        PrivateRecipe,
        compare_private_seeds,
        leakage_of_forms,
        study_leakage,
        threshold_attack,
        train_privately,
    )

    private = train_privately(data, PrivateRecipe(epsilon=3))
    print(private.accuracy, private.epsilon, private.noise_multiplier)
    print(compare_private_seeds(data, PrivateRecipe(epsilon=3), seeds=(0, 1, 2)).interval)
    print(threshold_attack(model.get_weights(), data.train, data.validation))
    study = study_leakage(data, LeakageRecipe(network=NetworkRecipe(epochs=50)))
    print(study.attack("lira"), study.attacks("threshold"), study.attack().roc)
    for name, leak in leakage_of_forms(study, data).items():
        print(name, leak.lira, leak.change())

Draw what it has learned, and let devices learn together:

    from deployworkbook.privacy import FederationRecipe, federate, invert_classes

    print(invert_classes(model.get_weights(), data.train).recognised)
    together = federate(data, FederationRecipe(concentration=0.1, drop_out=0.2, bits=8))
    print(together.accuracy, together.bytes_sent[-1], together.rounds_until(0.9))

Attack a deployed model and its smaller forms, and defend it:

    from deployworkbook.privacy import (
        Defence,
        FormSettings,
        accuracy_of,
        attack_forms,
        attack_images,
        defence_cost,
        extract_model,
        make_forms,
        measure_transfer,
        train_network,
    )

    settings = FormSettings(sparsity=0.9)
    train = data.train
    forms = make_forms(model.get_weights(), train.images, train.labels, settings=settings)
    print(attack_forms(forms, data.test.take(500)).accuracies)
    print(measure_transfer(forms, data.test.take(500), targets={"served": predict}).rates)
    robust = train_network(data, NetworkRecipe(adversarial_radius=0.1))
    changed = attack_images(robust.weights, data.test.take(500), radius=0.1)
    print(accuracy_of(robust.weights, changed))
    guard = Defence(digits=1, limit_per_minute=60)
    stolen = extract_model(predict, data.validation.images, data.test, defence=guard)
    print(stolen.agreements, stolen.hours, defence_cost(predict, data.test, guard))
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
