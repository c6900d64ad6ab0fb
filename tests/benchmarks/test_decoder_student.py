"""What a small decoder gains from a larger one's probabilities, at equal data and steps.

    DEPLOYWORKBOOK_STUDENT=folder pytest -m report -s tests/benchmarks/test_decoder_student.py

The teacher is the language model's default recipe. Students of a layer half as wide learn for 250
steps, on the text alone or from the teacher as well. One module in ten is kept apart from all
training: on it, the learning rate is chosen for students alone, and then temperature and weight at
that rate, all at seed 0. So the rate is, if anything, to the advantage of students alone. Bits per
byte on the held-out modules are compared in pairs of equal seeds. All students have one teacher, so
the interval is that of other students, not of other teachers. It takes about five minutes on two
idle cores. Figures are kept as they come; ``decoder_student.json`` is written into the folder.
Lesson 14 reads its copy in ``deployworkbook/compression/results``.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest

from deployworkbook.formulas.intervals import mean_interval
from deployworkbook.formulas.transformer_shape import parameter_count
from deployworkbook.runtimes.decoder_graph import decoder_onnx
from deployworkbook.runtimes.onnx_decoder import ONNXDecoder
from deployworkbook.training.code_text import SEPARATOR, CodeText, load_code_text
from deployworkbook.training.decoder_training import Teacher, train_decoder
from deployworkbook.training.language import LanguageRecipe, language_model
from deployworkbook.training.text_quality import measure_quality
from tests.benchmarks.provenance import Kept, provenance

pytestmark = [pytest.mark.report, pytest.mark.timeout(0)]

SEEDS = (0, 1, 2)
SMALL = LanguageRecipe(layers=1, width=64, heads=2, steps=250)
# At 0.008, a student alone does much worse.
RATES = (0.002, 0.004)
# Temperature, and the text's share of the loss.
TEACHINGS = ((1.0, 0.5), (2.0, 0.5), (1.0, 0.0))
ALONE, TAUGHT = "alone", "taught"


def is_for_choosing(module: str) -> bool:
    """Whether a module is kept apart to choose settings by; never one that is held out."""
    return int(hashlib.sha256(module.encode()).hexdigest(), 16) % 10 == 4


def split(text: CodeText) -> tuple[CodeText, dict[str, bytes]]:
    """Take the modules that settings are chosen by out of those to learn from."""
    chosen_by = {name: each for name, each in text.train.items() if is_for_choosing(name)}
    train = {name: each for name, each in text.train.items() if name not in chosen_by}
    return CodeText(train, text.held_out, text.source), chosen_by


def test_what_a_student_gains(tmp_path) -> None:
    named = os.environ.get("DEPLOYWORKBOOK_STUDENT")
    folder = Path(named) if named else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    text, chosen_by = split(load_code_text())
    large = language_model(LanguageRecipe(), text=text, folder=folder)
    tokens = large.vocabulary.encode(
        SEPARATOR.join(each[: SMALL.module_bytes] for each in text.train.values())
    )

    def bits(shape, weights, modules) -> float:
        logits = ONNXDecoder(decoder_onnx(shape, weights))
        found = measure_quality(
            logits, large.vocabulary, modules, context=shape.context, module_bytes=4_000
        )
        return round(found.bits_per_byte, 5)

    figures = Kept(folder / "students.json")

    def student(rate: float, seed: int, teaching=None) -> dict:
        name = f"{teaching}, {rate}, {seed}"
        if name not in figures.figures:
            began = perf_counter()
            weights, _ = train_decoder(
                SMALL.shape,
                tokens,
                steps=SMALL.steps,
                batch_size=SMALL.batch_size,
                learning_rate=rate,
                seed=seed,
                teacher=Teacher(large.shape, large.weights, *teaching) if teaching else None,
            )
            made = {
                "chosen_by": bits(SMALL.shape, weights, chosen_by),
                "held_out": bits(SMALL.shape, weights, text.held_out),
                "seconds": round(perf_counter() - began, 1),
            }
            figures.add(name, made)
        return figures.figures[name]

    rate = min(RATES, key=lambda each: student(each, 0)["chosen_by"])
    teaching = min(TEACHINGS, key=lambda each: student(rate, 0, each)["chosen_by"])
    arms = {ALONE: None, TAUGHT: teaching}
    found = {name: [] for name in arms}
    for seed in SEEDS:
        for name, each in arms.items():
            found[name].append(student(rate, seed, each)["held_out"])
    gained = np.subtract(found[TAUGHT], found[ALONE])
    content = {
        "provenance": provenance(
            "tests/benchmarks/test_decoder_student.py",
            seconds=sum(each["seconds"] for each in figures.figures.values()),
            seeds=SEEDS,
        ),
        "teacher": {
            "weights": parameter_count(large.shape),
            "bits_per_byte": bits(large.shape, large.weights, text.held_out),
        },
        "student": {
            "recipe": {
                name: getattr(SMALL, name) for name in ("layers", "width", "heads", "steps")
            },
            "weights": parameter_count(SMALL.shape),
            "temperature": teaching[0],
            "hard_weight": teaching[1],
            "learning_rate": rate,
        },
        "bits_per_byte": found,
        "difference": round(float(gained.mean()), 4),
        "interval": [round(each, 4) for each in mean_interval(gained)],
    }
    written = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    (folder / "decoder_student.json").write_text(written, encoding="utf-8")
    print(written)
