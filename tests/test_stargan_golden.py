"""The published implementation's figures, through the engine that `fit` uses."""

import golden_inputs
import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_stargan
from keras_stargan.training import engine

STEPS, BATCH = 10, 4


class Case:
    """One golden file: its model with the golden weights, and its batches."""

    def __init__(self, name):
        self.golden = np.load(golden_inputs.FOLDER / f"{name}.npz")
        if name == "v1_rafd":
            kind, labels = "categorical", np.eye(8)[self.golden["expressions"]]
        else:
            kind, labels = "binary", self.golden["attributes"]
        rng = np.random.RandomState(11)
        self.images = np.stack(
            [golden_inputs.images(rng, BATCH, 32) for _ in range(STEPS)]
        )
        self.labels = labels.astype("float32")
        self.model = keras_stargan.StarGAN(
            image_size=32,
            num_labels=labels.shape[-1],
            label_kind=kind,
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


@pytest.fixture(scope="module", params=["v1_rafd", "v1_celeba"])
def fresh(request):
    return Case(request.param)


@pytest.fixture(scope="module", params=["v1_rafd", "v1_celeba"])
def trained(request):
    """A case after ten steps of `fit`, and the history of each step's losses."""
    case = Case(request.param)

    class GoldenDraws:
        def __init__(self, seed, step):
            self.step = step

        def permutation(self, name, length):
            return tf.gather(case.golden["permutation"], self.step)

        def uniform(self, name, shape):
            return tf.gather(case.golden["alpha"], self.step)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "Draws", GoldenDraws)
        case.model.compile()
        dataset = tf.data.Dataset.from_tensor_slices((case.images, case.labels))
        # An epoch of one step, so that the history has every step's own losses.
        history = case.model.fit(dataset, epochs=STEPS, steps_per_epoch=1, verbose=0)
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


@pytest.mark.parametrize(
    "ours, published, steps",
    [
        ("D/real", "D/loss_real", slice(None)),
        ("D/fake", "D/loss_fake", slice(None)),
        ("D/cls", "D/loss_cls", slice(None)),
        ("D/gp", "D/loss_gp", slice(None)),
        ("G/fake", "G/loss_fake", slice(4, None, 5)),
        ("G/rec", "G/loss_rec", slice(4, None, 5)),
        ("G/cls", "G/loss_cls", slice(4, None, 5)),
    ],
)
def test_losses_of_ten_iterations_agree(trained, ours, published, steps):
    case, history = trained
    np.testing.assert_allclose(
        history[ours][steps], case.golden[f"loss {published}"], rtol=1e-3
    )


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
    assert differences.max() < STEPS * 1e-4 * 2
