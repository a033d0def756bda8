"""The published programs in double precision, through the engine that `fit` uses."""

import json

import golden_inputs
import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_stargan
from keras_stargan import LabelSet, LabelSpace
from keras_stargan.files.pytorch import state_dict
from keras_stargan.methods.stargan_v2.published import weight_files
from keras_stargan.networks.resizing import resize_bilinear
from keras_stargan.training import engine

LOSSES = {"rtol": 1e-9, "atol": 0}
WEIGHTS = {"rtol": 0, "atol": 1e-8}
# Arrays are thinned to each so-manieth entry, the first that makes them small enough.
STRIDES = (1, 5, 11, 23, 47, 97, 199, 397, 797, 1597)
ATTRIBUTES = LabelSet(tuple("abcde"), "binary", name="CelebA")
EXPRESSIONS = LabelSet(tuple("01234567"), name="RaFD")
V1_CASES = {
    "v1_rafd": (EXPRESSIONS,),
    "v1_celeba": (ATTRIBUTES,),
    "v1_both": (ATTRIBUTES, EXPRESSIONS),
}


def load(name):
    golden = np.load(golden_inputs.FOLDER / "float64" / f"{name}.npz")
    return golden, json.loads(str(golden["shapes"]))


def fit(model, batches, steps, golden, patch):
    """Each step's own losses, by their names in the logs."""
    patch.setattr(engine, "Draws", golden_inputs.draws_of(golden))
    dataset = tf.data.Dataset.from_tensor_slices(batches)
    history = model.fit(dataset, epochs=steps, steps_per_epoch=1, verbose=0)
    return {name: np.array(values) for name, values in history.history.items()}


def thinned(value, limit):
    """What the golden file keeps of an array in PyTorch's layout."""
    flat = np.ravel(value)
    stride = next(k for k in STRIDES if flat.size <= limit * k)
    return flat[::stride]


def images(rng, size, steps, count):
    return np.stack(
        [golden_inputs.images(rng, count, size, "float64") for _ in range(steps)]
    )


@pytest.fixture(scope="module", params=V1_CASES)
def stargan(request):
    """A case's forward passes, losses and final weights, ours and the published."""
    golden, shapes = load(request.param)
    sets = V1_CASES[request.param]
    steps, space = 10 * len(sets), LabelSpace(sets)
    given = {
        "CelebA": lambda step: golden["attributes"][step],
        "RaFD": lambda step: np.eye(8)[golden["expressions"][step]],
    }
    labels = [
        space.unify(given[name](step), name)
        for step in range(steps)
        for name in [sets[step % len(sets)].name]
    ]
    batches = images(np.random.RandomState(11), 32, steps, 4), np.stack(labels)
    model = keras_stargan.StarGAN(
        image_size=32,
        labels=space,
        conv_dim=8,
        num_residual_blocks=2,
        num_discriminator_layers=4,
        dtype="float64",
    )
    networks = {"G": model.generator, "D": model.discriminator}
    weights = {}
    for prefix, network in networks.items():
        keys = [key for key in shapes if key.startswith(f"{prefix}/")]
        weights |= dict(zip(keys, network.weights, strict=True))
    for key, variable in weights.items():
        value = golden_inputs.weight(key, shapes[key])
        variable.assign(golden_inputs.from_pytorch(value))
    label = golden["forward_label"]
    source, logits = model.discriminator(batches[0][0])
    forward = {
        "G": np.transpose(model.generator([batches[0][0], label]), (0, 3, 1, 2)),
        "D_src": np.transpose(source, (0, 3, 1, 2)),
        "D_cls": np.asarray(logits),
    }
    with pytest.MonkeyPatch.context() as patch:
        model.compile()
        losses = fit(model, batches, steps, golden, patch)
    final = {key: to_pytorch(variable.numpy()) for key, variable in weights.items()}
    due = [step for step in range(steps) if (step // len(sets) + 1) % 5 == 0]
    return golden, forward, losses, final, due


def to_pytorch(value):
    return value.transpose(3, 2, 0, 1) if value.ndim == 4 else value


def test_forward_passes_of_stargan(stargan):
    golden, forward, *_ = stargan
    for name, value in forward.items():
        assert value.dtype == "float64"
        np.testing.assert_allclose(
            value, golden[f"forward_{name}"], rtol=1e-9, atol=1e-9, err_msg=name
        )


@pytest.mark.parametrize(
    "term", ["D/real", "D/fake", "D/cls", "D/gp", "G/fake", "G/rec", "G/cls"]
)
def test_every_loss_of_ten_iterations_of_stargan(stargan, term):
    golden, _, losses, _, due = stargan
    player, name = term.split("/")
    ours = losses[term] if player == "D" else losses[term][due]
    np.testing.assert_allclose(ours, golden[f"loss {player}/loss_{name}"], **LOSSES)


def test_weights_of_stargan_at_the_end(stargan):
    golden, _, _, final, _ = stargan
    for key, value in final.items():
        np.testing.assert_allclose(
            thinned(value, 4096), golden[f"final {key}"].ravel(), **WEIGHTS, err_msg=key
        )


@pytest.fixture(scope="module", params=["v2", "v2_hpf"])
def stargan_v2(request):
    golden, _ = load(request.param)
    w_hpf = float(request.param == "v2_hpf")
    rng = np.random.RandomState(23)
    given = [images(rng, 128, 8, 2) for _ in range(3)]
    batches = (given[0], golden["y"]), (given[1], given[2], golden["y_trg"])
    keras.utils.set_random_seed(0)
    model = keras_stargan.StarGANv2(
        image_size=128,
        num_domains=3,
        latent_dim=4,
        style_dim=8,
        base_dim=8,
        max_dim=16,
        w_hpf=w_hpf,
        lambda_reg=1e4,
        lambda_ds=2.0,
        ds_iter=10,
        dtype="float64",
    )
    averages, weights = weight_files(model)
    golden_inputs.assign_fresh_weights(averages, weights)
    with pytest.MonkeyPatch.context() as patch:
        extra = []
        if w_hpf:
            # The golden masks are made up, and the same at every call.
            low = np.transpose(golden["masks_low"][:, :, 0], (1, 2, 3, 0)) / 255.0
            masks = resize_bilinear(tf.constant(low), 256)
            extra = [masks]
            patch.setattr(model, "make_masks", lambda images: masks)
            patch.setattr(type(model), "has_fan", True)
        x, y = given[0][0], golden["y"][0]
        styles = model.mapping_network([golden["z"][0], y])
        forward = {
            "style_latent": styles,
            "style_reference": model.style_encoder([x, y]),
            "D": model.discriminator([x, y]),
            "G": np.transpose(model.generator([x, styles, *extra]), (0, 3, 1, 2))[
                :, :, ::4, ::4
            ],
        }
        model.compile()
        losses = fit(model, batches, 8, golden, patch)
    final = {
        f"{kind} {network}/{key}": value
        for kind, networks in (("final", weights), ("ema", averages))
        for network, names in networks.items()
        for key, value in state_dict(names).items()
    }
    return golden, forward, losses, final


def test_forward_passes_of_stargan_v2(stargan_v2):
    golden, forward, *_ = stargan_v2
    for name, value in forward.items():
        np.testing.assert_allclose(
            value, golden[f"forward {name}"], rtol=1e-9, atol=1e-9, err_msg=name
        )


@pytest.mark.parametrize("term", ["real", "fake", "reg", "adv", "sty", "ds", "cyc"])
def test_every_loss_of_eight_steps_of_stargan_v2(stargan_v2, term):
    golden, _, losses, _ = stargan_v2
    player = "D" if term in ("real", "fake", "reg") else "G"
    for guide in ("latent", "ref"):
        np.testing.assert_allclose(
            losses[f"{player}_{guide}/{term}"],
            golden[f"loss {player}/{guide}_{term}"],
            **LOSSES,
            err_msg=guide,
        )


def test_weights_and_averages_of_stargan_v2_at_the_end(stargan_v2):
    golden, _, _, final = stargan_v2
    compared = [key for key in golden.files if key.startswith(("final", "ema"))]
    assert {key for key in compared if key.startswith("final")} <= set(final)
    for key in compared:
        limit = 2048 if key.startswith("final") else 256
        np.testing.assert_allclose(
            thinned(final[key], limit), golden[key].ravel(), **WEIGHTS, err_msg=key
        )
