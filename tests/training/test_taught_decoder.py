"""A decoder that learns from a larger one: the loss is the formula's, and the teacher counts."""

import numpy as np
import pytest

from deployworkbook.formulas.distillation import distillation_loss, student_loss
from deployworkbook.formulas.transformer import forward, random_weights
from deployworkbook.formulas.transformer_shape import TransformerShape
from deployworkbook.training.decoder_training import Teacher, taught_losses, train_decoder

SIZES = {"layers": 1, "heads": 2, "kv_heads": 2, "vocabulary": 20, "context": 6, "family": "gpt2"}
SMALL = TransformerShape(width=8, hidden=16, **SIZES)
LARGE = TransformerShape(width=16, hidden=32, **SIZES)
TOKENS = np.random.default_rng(0).integers(0, 20, 200)
SETTINGS = {"steps": 1, "batch_size": 4, "learning_rate": 0.01, "seed": 1}


@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_the_loss_is_that_of_the_formula(temperature):
    teacher, student = np.random.default_rng(0).normal(size=(2, 3, 5, 7)).astype(np.float32)
    found = taught_losses(teacher, student, temperature).numpy()
    expected = distillation_loss(teacher, student, temperature=temperature)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_a_student_hears_the_text_and_its_teacher_by_their_weights():
    weights = {name: 4 * each for name, each in random_weights(LARGE, seed=3).items()}
    teacher = Teacher(LARGE, weights, temperature=2.0, hard_weight=0.25)
    _, losses = train_decoder(SMALL, TOKENS, teacher=teacher, **SETTINGS)
    # The first loss is that of the student's first weights, on windows of the text.
    starts = np.random.default_rng(1).integers(0, len(TOKENS) - 6, 4)
    windows = TOKENS[starts[:, None] + np.arange(7)]
    told, first = (
        forward(shape, each, windows[:, :-1]).logits
        for shape, each in ((LARGE, weights), (SMALL, random_weights(SMALL, seed=1)))
    )
    targets = np.eye(20)[windows[:, 1:]]
    expected = student_loss(targets, told, first, temperature=2.0, hard_weight=0.25).mean()
    assert losses[0] == pytest.approx(expected / np.log(2), rel=1e-4)
