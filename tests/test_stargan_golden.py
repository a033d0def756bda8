"""The published implementation's figures, through the engine that `fit` uses."""

import golden_inputs
import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_stargan
from keras_stargan import LabelSet, LabelSpace
from keras_stargan.training import engine

ITERATIONS, BATCH = 10, 4
ATTRIBUTES = LabelSet(tuple("abcde"), "binary", name="CelebA")
EXPRESSIONS = LabelSet(tuple("01234567"), name="RaFD")
CASES = {
    "v1_rafd": (EXPRESSIONS,),
    "v1_celeba": (ATTRIBUTES,),
    "v1_both": (ATTRIBUTES, EXPRESSIONS),
}


class Case:
    """One golden file: its model with the golden weights, and its batches."""

    def __init__(self, name):
        self.golden = np.load(golden_inputs.FOLDER / f"{name}.npz")
        sets = CASES[name]
        self.batches = len(sets)
        self.steps = ITERATIONS * len(sets)
        rng = np.random.RandomState(11)
        self.images = np.stack(
            [golden_inputs.images(rng, BATCH, 32) for _ in range(self.steps)]
        )
        space = LabelSpace(sets)
        self.labels = np.stack(
            [
                space.unify(
                    self.golden["attributes"][step]
                    if label_set == ATTRIBUTES
                    else np.eye(8)[self.golden["expressions"][step]],
                    label_set.name,
                )
                for step in range(self.steps)
                for label_set in [sets[step % len(sets)]]
            ]
        )
        self.model = keras_stargan.StarGAN(
            image_size=32,
            labels=space,
            conv_dim=8,
            num_residual_blocks=2,
            num_discriminator_layers=4,
        )
        for network, prefix in self.networks():
            for variable, (key, shape) in zip(
                network.weights,
                golden_inputs.weights(self.golden, prefix),
                strict=True,
            ):
                value = golden_inputs.weight(key, shape)
                variable.assign(golden_inputs.from_pytorch(value))

    def networks(self):
        return (self.model.generator, "G"), (self.model.discriminator, "D")


@pytest.fixture(scope="module", params=CASES)
def fresh(request):
    return Case(request.param)


@pytest.fixture(scope="module", params=CASES)
def trained(request):
    """A case after ten steps of `fit`, and the history of each step's losses."""
    case = Case(request.param)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "Draws", golden_inputs.draws_of(case.golden))
        case.model.compile()
        dataset = tf.data.Dataset.from_tensor_slices((case.images, case.labels))
        # An epoch of one step, so that the history has every step's own losses.
        history = case.model.fit(
            dataset, epochs=case.steps, steps_per_epoch=1, verbose=0
        )
    return case, history.history


def test_forward_passes_agree(fresh):
    label, images = fresh.golden["forward_label"], fresh.images[0]
    fake = fresh.model.generator([images, label])
    source, logits = fresh.model.discriminator(images)
    for name, value in {
        "G": np.transpose(fake, (0, 3, 1, 2)),
        "D_src": np.transpose(source, (0, 3, 1, 2)),
        "D_cls": logits,
    }.items():
        np.testing.assert_allclose(
            value, fresh.golden[f"forward_{name}"], atol=1e-4, err_msg=name
        )


@pytest.mark.parametrize("term", ["real", "fake", "cls", "gp"])
def test_discriminator_losses_of_ten_iterations_agree(trained, term):
    case, history = trained
    ours, published = history[f"D/{term}"], case.golden[f"loss D/loss_{term}"]
    # Two penalties of v1_both hang on the sign of an activation that is almost 0:
    # the published code, in float64, differs from itself there by up to 0.0084.
    kinks = 2 if term == "gp" and case.batches == 2 else 0
    errors = np.abs(np.array(ours) / published - 1)
    assert np.sum(errors > 1e-3) <= kinks, errors
    assert errors.max() < 1e-2


@pytest.mark.parametrize("term", ["fake", "rec", "cls"])
def test_generator_losses_of_ten_iterations_agree(trained, term):
    case, history = trained
    # Iterations of n_critic = 5: the fifth and the tenth, a batch of each data set.
    due = [
        iteration * case.batches + batch
        for iteration in (4, 9)
        for batch in range(case.batches)
    ]
    losses = np.array(history[f"G/{term}"])
    np.testing.assert_allclose(
        losses[due], case.golden[f"loss G/loss_{term}"], rtol=1e-3
    )
    assert np.count_nonzero(losses) == len(due)


def test_weights_after_ten_iterations_agree(trained):
    case, _ = trained
    differences = []
    for network, prefix in case.networks():
        for variable, (key, _) in zip(
            network.weights, golden_inputs.weights(case.golden, prefix), strict=True
        ):
            expected = golden_inputs.from_pytorch(case.golden[f"final {key}"])
            value = keras.ops.convert_to_numpy(variable)
            differences.append(np.abs(value - expected).ravel())
    differences = np.concatenate(differences)
    assert np.mean(differences < 2e-5) > 0.99
    # A gradient near 0 may round to either sign, and Adam follows the sign.
    assert differences.max() < case.steps * 1e-4 * 2
