"""The exercises of lesson 10: answers and bytes, retries, batches, and waiting clients."""

from __future__ import annotations

import math

import numpy as np

from deployworkbook.exercises.declaration import Exercise, GuessQuestion, Mistake

# Flat values of a response, and the number of classes.
ANSWERS = (
    ([0.1, 0.7, 0.2, 0.3, 0.1, 0.6], 3),
    ([0.05, 0.15, 0.2, 0.6], 4),
)
# λ per second, a and c in seconds: 3.6 / 0.4 = 9; 2.25 / 0.75 = 3; 1.2 / 0.88 = 1.4.
BATCHES = ((600.0, 0.006, 0.001), (250.0, 0.009, 0.001), (120.0, 0.010, 0.001))
# Deadline, a, c and largest batch, milliseconds; in the last there is no time left to wait.
DEADLINES = ((50.0, 10.0, 0.5, 32), (100.0, 20.0, 2.0, 8), (10.0, 8.0, 1.0, 4))
# Down, first wait, service and deadline, in seconds. Tries of the first: 0, 0.1, 0.3 and 0.7. Those
# of the others with a wait of 0.25: 0, 0.25, 0.75, 1.75, 3.75, 7.75 and 15.75.
OUTAGES = (
    (0.45, 0.1, 0.02, 10.0),
    (0.0, 0.1, 0.02, 1.0),
    (3.0, 0.25, 0.5, 5.0),
    (3.0, 0.25, 0.5, 4.0),
    (9.0, 0.25, 0.5, 5.0),
)


def _in_time(answered: float, deadline: float) -> float:
    return answered if answered <= deadline else math.inf


def _found_up(down: float, wait: float, growth: float = 2.0) -> float:
    """Return when a client first finds the server up, if each wait is a multiple of the last."""
    at = 0.0
    while at < down:
        at, wait = at + wait, growth * wait
    return at


def _found_up_from_the_start(down: float, wait: float) -> float:
    at = 0.0
    while at < down:
        at, wait = wait, 2 * wait
    return at


def _batch(rate: float, call: float, image: float) -> int:
    return math.ceil(round(rate * call / (1 - rate * image), 9))


EXERCISES = (
    Exercise(
        id="serving.classes",
        expected="a function of float_val and classes that returns an array, a class per image",
        reference=lambda float_val, classes: np.reshape(float_val, (-1, classes)).argmax(axis=1),
        cases=ANSWERS,
        hints=(
            "The values are flat: first all classes of the first image, then those of the second.",
            "Reshape them into a row per image; the position of the largest in a row is the class.",
            "np.reshape(float_val, (-1, classes)).argmax(axis=1)",
        ),
        mistakes=(
            Mistake(
                lambda values, classes: values[0],
                "That is what the article prints: the probability of class 0, whatever the image.",
            ),
            Mistake(
                lambda values, classes: np.argmax(values),
                "That is the largest of all values of all images. First reshape them into a row "
                "per image.",
            ),
            Mistake(
                lambda values, classes: np.reshape(values, (-1, classes)).max(axis=1),
                "Those are the probabilities of the classes; the question asks for the class.",
            ),
            Mistake(
                lambda values, classes: np.reshape(values, (-1, classes)).argmax(axis=0),
                "That finds the image with most of each class: use the other axis.",
            ),
            Mistake(
                lambda values, classes: np.reshape(values, (classes, -1)).argmax(axis=0),
                "The rows are images and the columns classes, not the other way round.",
            ),
        ),
    ),
    Exercise(
        id="serving.bytes",
        expected="a whole number of bytes",
        reference=32 * 28 * 28 * 4,
        relative_tolerance=1e-9,
        hints=(
            "How many numbers do 32 images have, and how many bytes does a float32 have?",
            "32 * 28 * 28 * 4",
        ),
        mistakes=(
            Mistake(28 * 28 * 4, "That is one image; the request contains 32."),
            Mistake(32 * 28 * 28, "That is a byte per pixel, as in a PNG. A float32 has four."),
            Mistake(32 * 28 * 28 * 8, "That is float64, NumPy's default, which the model refuses."),
            Mistake(32 * 28 * 28 * 32, "Those are bits. A byte has eight."),
        ),
    ),
    Exercise(
        id="serving.retries",
        expected="a function of down, wait, service and deadline that returns seconds, or math.inf",
        reference=lambda down, wait, service, deadline: _in_time(
            _found_up(down, wait) + service, deadline
        ),
        cases=OUTAGES,
        hints=(
            "Keep two numbers: when the next try is sent, and how long to wait if it fails.",
            "While the try is sent before the server is up: add the wait to the time of the try, "
            "then double the wait.",
            "The answer comes at at + service. If that is after the deadline, return math.inf.",
        ),
        mistakes=(
            Mistake(
                lambda down, wait, service, deadline: _in_time(
                    _found_up(down, wait, growth=1.0) + service, deadline
                ),
                "All your waits are equally long. Each one should be twice as long as the one "
                "before, so that a server that struggles isn't flooded with tries.",
            ),
            Mistake(
                lambda down, wait, service, deadline: _in_time(
                    _found_up_from_the_start(down, wait) + service, deadline
                ),
                "You count each wait from the first try. It begins when the latest try has failed.",
            ),
            Mistake(
                lambda down, wait, service, deadline: _in_time(down + service, deadline),
                "A client doesn't know when the server is back. It finds out with its next try.",
            ),
            Mistake(
                lambda down, wait, service, deadline: _found_up(down, wait) + service,
                "Some answers come after the deadline, when the client has given up. Return "
                "math.inf for these.",
            ),
            Mistake(
                lambda down, wait, service, deadline: (
                    _found_up(down, wait) + service
                    if _found_up(down, wait) <= deadline
                    else math.inf
                ),
                "The last try is sent before the deadline, but its answer comes after it. The "
                "deadline is for the answer.",
            ),
            Mistake(
                lambda down, wait, service, deadline: _in_time(_found_up(down, wait), deadline),
                "That is when the last try is sent. Its answer takes the service time as well.",
            ),
        ),
    ),
    Exercise(
        id="serving.batch",
        expected="a function of rate, call and image that returns a whole number of requests",
        reference=_batch,
        cases=BATCHES,
        hints=(
            "It keeps up if b / (a + c b) is at least the rate. Solve that for b.",
            "b ≥ a λ / (1 - c λ), and the number of requests is whole.",
            "math.ceil(rate * call / (1 - rate * image))",
        ),
        mistakes=(
            Mistake(
                lambda rate, call, image: rate * call / (1 - rate * image),
                "The number of requests is whole: round up.",
            ),
            Mistake(
                lambda rate, call, image: math.floor(round(rate * call / (1 - rate * image), 9)),
                "If you round down, the batch can't quite keep up.",
            ),
            Mistake(
                lambda rate, call, image: math.ceil(round(rate * call, 9)),
                "That many arrive during the call itself. More arrive while the images are "
                "computed.",
            ),
            Mistake(
                lambda rate, call, image: math.ceil(round(rate * (call + image), 9)),
                "That counts arrivals during a batch of one. A larger batch takes longer, and "
                "meanwhile more arrive.",
            ),
        ),
    ),
    Exercise(
        id="serving.timeout",
        expected="a function of deadline, call, image and batch that returns milliseconds",
        reference=lambda deadline, call, image, batch: max(0.0, deadline - call - image * batch),
        cases=DEADLINES,
        hints=(
            "The first request of a batch waits for the time-out, then for the whole batch.",
            "A full batch takes a + c b. What is left of the deadline, if anything?",
            "max(0, deadline - call - image * batch)",
        ),
        mistakes=(
            Mistake(
                lambda deadline, call, image, batch: deadline - call - image * batch,
                "In one case that is below 0. Such a batch is too slow with any time-out, so no "
                "request should wait at all.",
            ),
            Mistake(
                lambda deadline, call, image, batch: max(0.0, deadline - call - image),
                "That leaves time for one image. The whole batch is computed before any answer.",
            ),
            Mistake(
                lambda deadline, call, image, batch: max(0.0, deadline - call),
                "That includes the call, but the images of the batch take time too.",
            ),
            Mistake(
                lambda deadline, call, image, batch: max(
                    0.0, deadline - (call + image * batch) / batch
                ),
                "That is a request's share of the batch, but each request waits for the whole "
                "batch.",
            ),
        ),
    ),
    Exercise(
        id="serving.hang",
        expected="a whole number of requests",
        reference=50,
        relative_tolerance=1e-9,
        hints=(
            "A request that arrives at the time t of the pause waits until its end, 1 s - t.",
            "Requests that arrive in the first half of the pause wait for more than half a second.",
            "100 per second, for half a second",
        ),
        mistakes=(
            Mistake(
                1,
                "That is what a single client sees if it waits for each answer: it sends nothing "
                "while the server hangs, so all other requests are left out.",
            ),
            Mistake(
                100,
                "All of these are late, but those that arrive near the end of the pause wait less "
                "than half a second.",
            ),
            Mistake(0, "The first request waits for the whole second."),
        ),
    ),
)

PREDICTIONS = (
    GuessQuestion(
        id="serving.empty",
        question="The article's tensor has a type and a shape, and no values. What does the server "
        "reply?",
        choices=("an error", "an answer, as for a black image", "nothing, until the deadline"),
        answer="an answer, as for a black image",
        reason="Missing values count as zeros in TensorFlow's format. So this mistake raises no "
        "error: all answers are simply the same.",
    ),
    GuessQuestion(
        id="serving.swap",
        question="The next version is published while requests arrive. How many of them fail?",
        choices=("those that arrive while it loads", "one per connection", "none"),
        answer="none",
        reason="The new version is loaded while the old one answers. Only then do new requests go "
        "to it, and the old one is unloaded when its last request is done.",
    ),
    GuessQuestion(
        id="serving.batching",
        question="Many clients send the server one image each. It now combines their requests into "
        "batches. What happens to its throughput with your small model?",
        choices=("it grows severalfold", "it hardly grows, or falls", "it doubles"),
        answer="it hardly grows, or falls",
        reason="Batches share the cost of running the model, which is a small part here. "
        "Receiving, reading and answering a request cost more, and every request pays for that.",
    ),
    GuessQuestion(
        id="serving.utilisation",
        question="One server gets requests at random times. Its utilisation rises from 50 % to 90 "
        "%. How much longer is the average wait?",
        choices=("1.8 times", "5 times", "9 times"),
        answer="9 times",
        reason="The wait is proportional to the utilisation divided by the free share: 0.5 / 0.5 "
        "is 1, and 0.9 / 0.1 is 9.",
    ),
    GuessQuestion(
        id="serving.loop",
        question="The server stops once for a moment, and you measure both kinds of load. Which "
        "99th percentile hardly shows it?",
        choices=(
            "that of clients that wait for their answers",
            "that of requests at set times",
            "neither",
        ),
        answer="that of clients that wait for their answers",
        reason="While the server is stopped, such clients send nothing. A single slow answer per "
        "client stands for all the requests that would have been sent.",
    ),
)
