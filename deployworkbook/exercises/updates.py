"""Exercises of lesson 15 on updates: patches, signatures, forgetting, when to retrain."""

from __future__ import annotations

import math

from deployworkbook.exercises.declaration import Exercise, GuessQuestion, Mistake

# Bytes of the file, of the compressed file, of the patch.
FILES = ((400_000, 100_000, 40_000), (101_770, 92_000, 1000))
# Accuracy on new and on old images before and after, the share of new images.
ACCURACIES = ((0.7, 0.98, 0.92, 0.94, 0.25), (0.6, 0.97, 0.9, 0.8, 0.1))
# USD per update, USD per day that each day of waiting adds.
WAITING = ((450.0, 1.0), (96.0, 0.03))


def _gain(
    new_before: float, old_before: float, new_after: float, old_after: float, new_share: float
) -> float:
    return new_share * (new_after - new_before) + (1 - new_share) * (old_after - old_before)


EXERCISES = (
    Exercise(
        id="updates.saving",
        expected="a function of file_bytes, compressed_bytes and patch_bytes that returns a share "
        "between 0 and 1",
        reference=lambda file_bytes, compressed_bytes, patch_bytes: (
            1 - patch_bytes / compressed_bytes
        ),
        cases=FILES,
        hints=(
            "What would you send if there were no patch?",
            "Nobody sends the file as it is: it would be compressed first. What part of those "
            "bytes does the patch save?",
            "1 - patch_bytes / compressed_bytes",
        ),
        mistakes=(
            Mistake(
                lambda file_bytes, compressed_bytes, patch_bytes: 1 - patch_bytes / file_bytes,
                "You have compared with the file as it lies on the disk. Without a patch you would "
                "send it compressed, so that is the peer.",
            ),
            Mistake(
                lambda file_bytes, compressed_bytes, patch_bytes: patch_bytes / compressed_bytes,
                "That is what still has to be sent. What is saved is the rest.",
            ),
            Mistake(
                lambda file_bytes, compressed_bytes, patch_bytes: patch_bytes / file_bytes,
                "That is the patch's part of the whole file. Compare with the compressed file, "
                "and take what is saved.",
            ),
            Mistake(
                lambda file_bytes, compressed_bytes, patch_bytes: compressed_bytes - patch_bytes,
                "Those are the bytes saved. Divide them by what you would have sent.",
            ),
        ),
    ),
    Exercise(
        id="updates.order",
        expected="a list of the five numbers in the order of the steps",
        reference=[2, 3, 1, 4, 5],
        hints=(
            "Each step trusts what the steps before it have shown. Which of them needs to trust "
            "nothing but your own public key?",
            "The signature shows that the manifest is the sender's; the manifest's hashes show "
            "that the files are. Only then may a program read the files, and the switch is last.",
            "[2, 3, 1, 4, 5]",
        ),
        mistakes=(
            Mistake(
                [1, 2, 3, 4, 5],
                "You unpack first. Then the unpacker reads bytes from anybody, and a file made for "
                "that (one that grows to terabytes, or names a path outside its folder) has done "
                "its work before you check.",
            ),
            Mistake(
                [3, 2, 1, 4, 5],
                "You compare the files with a manifest before you know whose it is. Whoever alters "
                "a file can write the hash that fits.",
            ),
            Mistake(
                [2, 3, 1, 5, 4],
                "You let it answer first and ask afterwards whether it can. A right signature says "
                "who made a model, not that it works.",
            ),
            Mistake(
                [2, 1, 3, 4, 5],
                "You unpack files before you have compared their hashes. The signature covers the "
                "manifest only; it vouches for the files through their hashes.",
            ),
        ),
    ),
    Exercise(
        id="updates.gain",
        expected="a function of new_before, old_before, new_after, old_after and new_share that "
        "returns a change of accuracy",
        reference=_gain,
        cases=ACCURACIES,
        hints=(
            "Which part of the traffic gains, and which part loses?",
            "new_share of the images are new ones and gain new_after - new_before. What about the "
            "other images?",
            "new_share * (new_after - new_before) + (1 - new_share) * (old_after - old_before)",
        ),
        mistakes=(
            Mistake(
                lambda new_before, old_before, new_after, old_after, new_share: (
                    new_after - new_before
                ),
                "That is the gain on the new images. The old ones are still being sent, and the "
                "model has forgotten some of what it knew about them.",
            ),
            Mistake(
                lambda new_before, old_before, new_after, old_after, new_share: (
                    new_share * (new_after - new_before)
                ),
                "The old images are missing: 1 - new_share of the traffic, whose accuracy changes, "
                "too.",
            ),
            Mistake(
                lambda new_before, old_before, new_after, old_after, new_share: (
                    (new_after - new_before + old_after - old_before) / 2
                ),
                "You have weighed both kinds alike. Weigh them by their share of the traffic.",
            ),
            Mistake(
                lambda new_before, old_before, new_after, old_after, new_share: (
                    -_gain(new_before, old_before, new_after, old_after, new_share)
                ),
                "The sign is the wrong way round: after minus before.",
            ),
            Mistake(
                lambda new_before, old_before, new_after, old_after, new_share: _gain(
                    new_before, old_before, new_after, old_after, 1 - new_share
                ),
                "The shares are the wrong way round: new_share belongs to the new images.",
            ),
        ),
    ),
    Exercise(
        id="updates.retrain_days",
        expected="a function of update_usd and waiting_usd_per_day2 that returns a number of days",
        reference=lambda update_usd, waiting_usd_per_day2: math.sqrt(
            2 * update_usd / waiting_usd_per_day2
        ),
        cases=WAITING,
        relative_tolerance=1e-4,
        hints=(
            "Per day, an update every T days costs update_usd / T. What does waiting cost per day, "
            "on average, if it grows from 0 by the same amount each day?",
            "Waiting costs waiting_usd_per_day2 * T / 2 per day. The sum is smallest where its "
            "derivative with respect to T is 0.",
            "math.sqrt(2 * update_usd / waiting_usd_per_day2)",
        ),
        mistakes=(
            Mistake(
                lambda update_usd, waiting_usd_per_day2: math.sqrt(
                    update_usd / waiting_usd_per_day2
                ),
                "The 2 is missing. Waiting costs nothing on the first day and most on the last, so "
                "on average half of that.",
            ),
            Mistake(
                lambda update_usd, waiting_usd_per_day2: 2 * update_usd / waiting_usd_per_day2,
                "The root is missing: the derivative gives T², not T.",
            ),
            Mistake(
                lambda update_usd, waiting_usd_per_day2: update_usd / waiting_usd_per_day2,
                "After so many days a day of waiting costs as much as an update. By then you have "
                "paid for all the days before.",
            ),
            Mistake(
                lambda update_usd, waiting_usd_per_day2: math.sqrt(
                    2 * waiting_usd_per_day2 / update_usd
                ),
                "The quotient is the wrong way round. Dear updates should be rare.",
            ),
        ),
    ),
)

PREDICTIONS: tuple[GuessQuestion, ...] = (
    GuessQuestion(
        id="updates.patch",
        question="We retrain the output layer only: 1,290 of 101,770 weights. The int8 file takes "
        "about 90 kB compressed. How large is a patch that turns the old file into the new one?",
        choices=("about 1 kB", "about 10 kB", "about 45 kB"),
        answer="about 1 kB",
        reason="Everything else is byte for byte the same, and a run of zeros takes next to no "
        "space when it is compressed. What remains is a byte per changed weight.",
    ),
    GuessQuestion(
        id="updates.forgetting",
        question="The camera has been mounted at an angle. We train the model for some epochs on "
        "some of its rotated images. What happens to its accuracy on upright images?",
        choices=("it stays", "it falls by some points", "it falls to a guess"),
        answer="it falls by some points",
        reason="Nothing in the new images says that upright ones still matter, so the weights "
        "drift away from what worked for them. Mixing in some old images prevents most of that.",
    ),
)
