"""StarGAN v2's training step against the published implementation, and its use."""

from unittest import mock

import golden_inputs
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

import keras_stargan
from keras_stargan.files.pytorch import state_dict
from keras_stargan.methods.stargan_v2.published import weight_files
from keras_stargan.training import engine

STEPS, BATCH = 3, 2  # Of the golden files; the tests take the first step.
PUBLISHED_NAMES = {
    "D_latent": "D/latent_",
    "D_ref": "D/ref_",
    "G_latent": "G/latent_",
    "G_ref": "G/ref_",
}


@pytest.fixture(scope="module", params=["v2", "v2_hpf"])
def trained(request):
    """The golden model after a step of `fit`, its history, and the figures."""
    name = request.param
    w_hpf = float(name == "v2_hpf")
    golden = np.load(golden_inputs.FOLDER / f"{name}.npz")
    rng = np.random.RandomState(23)
    images, references, other_references = (
        np.stack([golden_inputs.images(rng, BATCH, 256) for _ in range(STEPS)])
        for _ in range(3)
    )
    model = keras_stargan.StarGANv2(
        image_size=256,
        num_domains=3,
        latent_dim=4,
        style_dim=8,
        base_dim=64,
        max_dim=8,
        w_hpf=w_hpf,
        lambda_reg=1e4,
        lambda_ds=2.0,
        ds_iter=10,
    )
    golden_inputs.assign_fresh_weights(*weight_files(model))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "Draws", golden_inputs.draws_of(golden))
        if w_hpf:
            # The golden masks are made up, and the same at every call.
            low = np.transpose(golden["masks_low"][:, :, 0], (1, 2, 3, 0))
            masks = ops.image.resize(low, (256, 256), antialias=False)
            patch.setattr(model, "make_masks", mock.Mock(return_value=masks))
            patch.setattr(type(model), "has_fan", True)
        # Tracing the graph would take three times as long as the step.
        model.compile(run_eagerly=True)
        dataset = tf.data.Dataset.from_tensor_slices(
            (
                (images, golden["y"]),
                (references, other_references, golden["y_trg"]),
            )
        )
        history = model.fit(dataset, epochs=1, steps_per_epoch=1, verbose=0)
        if w_hpf:
            # Of the real images for all updates, of both updates' translations.
            assert model.make_masks.call_count == 3
    return golden, model, history.history


# The first step alone, since Adam's first update with beta1 0 is the gradient's sign:
# where one is almost 0, chance decides, and the published code itself, run again,
# differs from its own figures by up to 2 % in the third step
# (tests/golden/README.md). What a step's later updates get hangs on the earlier ones.
@pytest.mark.parametrize("update", PUBLISHED_NAMES)
def test_losses_of_a_step_agree(trained, update):
    golden, _, history = trained
    terms = ("real", "fake", "reg") if update[0] == "D" else ("adv", "sty", "ds", "cyc")
    for term in terms:
        np.testing.assert_allclose(
            history[f"{update}/{term}"][0],
            golden[f"loss {PUBLISHED_NAMES[update]}{term}"][0],
            rtol=1e-3,
            err_msg=term,
        )


def test_the_mapping_network_learns_at_its_own_rate(trained):
    golden, model, _ = trained
    _, weights = weight_files(model)
    moved = 0.0
    for key, value in state_dict(weights["mapping_network"]).items():
        start = golden_inputs.weight(f"mapping_network/{key}", value.shape)
        moved = max(moved, np.abs(value - start).max())
        if f"final mapping_network/{key}" in golden:
            # Two more steps, of about the rate each.
            final = golden[f"final mapping_network/{key}"]
            np.testing.assert_allclose(value, final, atol=1e-5, err_msg=key)
    np.testing.assert_allclose(moved, 1e-6, rtol=0.1)
