"""What every method must do, run for each one that the registry finds.

A method takes part without being named here. Its `published.py` has `TINY`: the
constructor's arguments for a model that takes a step in a fraction of a second.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from replicas import two_replicas

import keras_stargan
from keras_stargan.data import ImageSet
from keras_stargan.data.batches import BATCHES
from keras_stargan.export import export_saved_model
from keras_stargan.images import from_uint8, to_uint8
from keras_stargan.methods import registry

COUNT, STEPS = 4, 4  # Images in a batch, steps of training.
SOURCES = {"label": None, "latent": "latents", "reference": "references"}


def make_model(name, **changes):
    """A tiny model whose weights are always the same."""
    keras.utils.set_random_seed(0)
    return registry.load(name)(**registry.published(name).TINY | changes)


def image_sets_of(model):
    """Data sets of noise with the model's labels."""
    rng, size, image_sets = np.random.default_rng(0), model.image_size, []
    for label_set in model.labels.sets:
        labels = np.tile(np.eye(len(label_set)), (4, 1))
        images = rng.integers(0, 256, (len(labels), size, size, 3), "uint8")
        # A subject has an image of each label, for methods that learn of pairs.
        subjects = np.arange(len(labels)) // len(label_set)
        image_sets.append(ImageSet(images, labels, label_set, subjects, aligned=True))
    return image_sets


def batches_of(model, first_step):
    """The batches that the method is trained on."""
    make = BATCHES[model.batches]
    return make(image_sets_of(model), COUNT, seed=0, first_step=first_step)


def train(model, steps):
    """Trains for some steps from the one that the weights have seen."""
    # As in a run: after the model was made under its strategy, not within it.
    model.pretrain(image_sets_of(model))
    model.fit(batches_of(model, model.global_step), steps_per_epoch=steps, verbose=0)


def compiled(name):
    """In float64, a difference is an error, not a rounding that Adam has blown up."""
    model = make_model(name, dtype="float64")
    # To trace the graph would take longer than the steps.
    model.compile(run_eagerly=True)
    return model


def state_of(model):
    """All values that the file of a compiled model has."""
    optimizers = [v for each in model.optimizers.values() for v in each.variables]
    return [*model.weights, *optimizers]


@pytest.fixture(scope="module", params=registry.names())
def name(request):
    return request.param


@pytest.fixture(scope="module")
def model(name):
    return make_model(name)


@pytest.fixture(scope="module")
def given(model):
    """An array for each name that an input of an endpoint has."""
    rng, space = np.random.default_rng(1), model.labels
    shape = (COUNT, model.image_size, model.image_size, 3)
    width = len(space.sets[0])
    names = model.labels.names
    domains = np.resize([names.index(n) for n in names if n in model.reachable], COUNT)
    return {
        "images": rng.uniform(-1, 1, shape).astype("float32"),
        "references": rng.uniform(-1, 1, shape).astype("float32"),
        "latents": rng.standard_normal((COUNT, model.latent_dim), "float32"),
        "styles": rng.standard_normal((COUNT, model.condition_dim), "float32"),
        "labels": space.unify(np.eye(width)[domains], 0),
        "own": space.unify(np.eye(width)[(domains + 1) % width], 0),
        "domains": domains.astype("int32"),
    }


def sources_of(guide, given):
    source = SOURCES[guide]
    return {source: given[source]} if source else {}


def translate(model, guide, given):
    return model.translate(
        given["images"],
        given["labels"],
        own=given["own"][:, : model.labels.num_labels],
        **sources_of(guide, given),
    )


def run(function, inputs, given):
    return function(**{name: tf.constant(given[name]) for name in inputs})


# Training.


@pytest.fixture(scope="module")
def unbroken(name):
    model = compiled(name)
    train(model, STEPS)
    return model


def test_every_network_is_trained(name, unbroken):
    before = make_model(name, dtype="float64").networks
    assert set(before) == set(unbroken.make_optimizers())
    for network, after in unbroken.networks.items():
        pairs = zip(before[network].get_weights(), after.get_weights(), strict=True)
        assert any(np.any(a != b) for a, b in pairs), network


def test_a_run_that_goes_on_from_a_file_ends_as_one_that_never_stopped(
    name, unbroken, tmp_path
):
    broken = compiled(name)
    train(broken, STEPS // 2)
    broken.save(tmp_path / "model.keras")
    resumed = keras.saving.load_model(tmp_path / "model.keras")
    train(resumed, STEPS - STEPS // 2)
    for value, expected in zip(state_of(resumed), state_of(unbroken), strict=True):
        np.testing.assert_allclose(value, expected, 1e-9, 1e-12, expected.path)


def test_two_replicas_do_what_one_device_does(name, unbroken):
    with two_replicas().scope():
        model = compiled(name)
    train(model, STEPS)
    for network, expected in unbroken.networks.items():
        for a, b in zip(
            model.networks[network].get_weights(), expected.get_weights(), strict=True
        ):
            np.testing.assert_allclose(a, b, atol=1e-9, err_msg=network)


# Use.


def test_a_saved_model_translates_as_before(model, given, tmp_path):
    model.save(tmp_path / "model.keras")
    loaded = keras_stargan.load_model(tmp_path / "model.keras")
    assert loaded.get_config() == model.get_config()
    for guide in model.guides:
        np.testing.assert_allclose(
            translate(loaded, guide, given), translate(model, guide, given), atol=1e-5
        )


def test_endpoints_give_what_translate_gives(model, given):
    endpoints = model.endpoints()
    expected = {f"translate_{g}": translate(model, g, given) for g in model.guides}
    expected["serving_default"] = expected[f"translate_{model.guides[0]}"]
    if "translate_style" in endpoints:
        expected["translate_style"] = model.translate(
            given["images"], conditions=given["styles"]
        )
    for guide in {"latent", "reference"} & set(model.guides):
        expected[f"style_from_{guide}"] = model.conditions(
            given["labels"], **sources_of(guide, given)
        )
    assert set(expected) == set(endpoints) - {"classify"}
    for name, value in expected.items():
        (found,) = run(endpoints[name].function, endpoints[name].inputs, given).values()
        np.testing.assert_allclose(found, value, atol=1e-5, err_msg=name)


def test_images_of_other_sizes_are_translated_where_the_networks_can(model, given):
    multiple, square = model.size_multiple, model.image_size
    if multiple is None:
        with pytest.raises(ValueError, match=f"of {square} x {square} px; received"):
            model.endpoints(size=(None, None))
        return
    rng, size = np.random.default_rng(2), (square + multiple, square + 3 * multiple)
    images = rng.uniform(-1, 1, (COUNT, *size, 3)).astype("float32")
    name = f"translate_{model.guides[0]}"
    function, inputs = model.endpoints(size=(None, None))[name]
    specs = [tf.TensorSpec(each.shape, each.dtype) for each in inputs.values()]
    traced = tf.function(lambda *values: function(*values), specs)
    changed = given | {"images": images}
    found = traced(*(tf.constant(changed[each]) for each in inputs))["translated"]
    expected = translate(model, model.guides[0], changed)
    assert expected.shape == images.shape
    np.testing.assert_allclose(found, expected, atol=1e-5)
    wrong = images[:, 1:] if multiple > 1 else images[:, :0]
    with pytest.raises(ValueError, match=f"multiples of {multiple}; received"):
        translate(model, model.guides[0], given | {"images": wrong})


def test_inputs_of_endpoints_have_the_shapes_that_are_given(model, given):
    for name, endpoint in model.endpoints().items():
        for each, spec in endpoint.inputs.items():
            assert given[each].shape[1:] == spec.shape[1:], f"{name}, {each}"
            assert given[each].dtype == spec.dtype, f"{name}, {each}"


def test_an_export_serves_what_the_endpoints_give(model, given, tmp_path):
    export_saved_model(model, tmp_path / "1")
    loaded = tf.saved_model.load(tmp_path / "1")
    endpoints = model.endpoints()
    assert set(loaded.signatures) >= set(endpoints) - {"classify"}
    for name in set(endpoints) & set(loaded.signatures):
        expected = run(endpoints[name].function, endpoints[name].inputs, given)
        found = run(loaded.signatures[name], endpoints[name].inputs, given)
        for output, value in expected.items():
            np.testing.assert_allclose(found[output], value, atol=1e-5, err_msg=name)
    pixels = to_uint8(given["images"][0])
    texts = {
        "encoded": tf.io.encode_png(pixels)[None],
        "reference": tf.io.encode_png(pixels[::-1])[None],
        "target": tf.constant(model.reachable[-1:]),
        "domain": tf.constant(model.reachable[-1:]),
        "source": tf.constant(model.labels.names[:1]),
        "seed": tf.constant([0], tf.int64),
    }
    of_bytes = {n for n in loaded.signatures if n.startswith("translate_bytes")}
    assert of_bytes
    for name in of_bytes:
        signature = loaded.signatures[name]
        inputs = signature.structured_input_signature[1]
        found = signature(**{each: texts[each] for each in inputs})
        assert found["error"].numpy().tolist() == [b""], name
        assert tf.io.decode_png(found["encoded_bytes"][0]).shape == pixels.shape


def test_it_translates_a_file(model, given, tmp_path):
    pixels = to_uint8(given["images"][0])
    Image.fromarray(pixels).save(tmp_path / "a.png")
    source, target = model.labels.names[0], model.reachable[-1]
    by_references = model.guides == ("reference",)
    written = keras_stargan.translate_files(
        model,
        tmp_path / "a.png",
        target,
        tmp_path / "translated",
        source_labels=[source],
        references=[tmp_path / "a.png"] if by_references else (),
        verbose=0,
    )
    image = from_uint8(pixels[None])
    expected = model.translate(
        image,
        target,
        references=image if by_references else None,
        own=np.eye(model.labels.num_labels)[:1],
    )
    found = np.asarray(Image.open(written[0])).astype(int)
    assert np.abs(found - to_uint8(expected)[0]).max() <= 1


# Bad input.


@pytest.mark.parametrize(
    "change, message",
    [
        ({"images": lambda x: x[:, :0]}, "received images of shape"),
        ({"images": lambda x: x[0]}, "received images of shape"),
        ({"images": lambda x: x[..., :1]}, "received images of shape"),
        ({"images": lambda x: x[:0]}, "no image at all"),
        ({"images": lambda x: 127.5 * x}, "received values from -1"),
        ({"images": lambda x: x * np.nan}, "received values from nan"),
        ({"target": lambda x: None}, "received neither"),
        ({"target": lambda x: "no such name"}, "'no such name'"),
        ({"target": lambda x: x[:, 1:]}, "needs labels of shape"),
        ({"conditions": lambda x: x}, "received both"),
        ({"target": lambda x: None, "conditions": lambda x: x}, "conditions must have"),
        (
            {"latents": lambda x: np.zeros((COUNT, 1000))},
            "not by a latent|latents must have shape",
        ),
        (
            {"references": lambda x: np.zeros((COUNT, 1, 1, 3))},
            "not by a reference|references of shape",
        ),
    ],
)
def test_translate_refuses(model, given, change, message):
    guide = model.guides[0]
    arguments = {"images": given["images"], "target": given["labels"]}
    if not {"latents", "references", "conditions"} & set(change):
        arguments |= sources_of(guide, given)
    if "conditions" in change:
        arguments["conditions"] = np.zeros((COUNT, model.condition_dim + 1))
    arguments |= {each: of(arguments.get(each)) for each, of in change.items()}
    with pytest.raises(ValueError, match=message):
        model.translate(**arguments)


@pytest.fixture(scope="module")
def batch(model):
    batch = next(iter(batches_of(model, 0)))
    return {name: tensor.numpy() for name, tensor in batch.items()}


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda x: x[:, 1:], "received .* of shape"),
        (lambda x: 127.5 * x, "received values from -1"),
        (lambda x: x * np.nan, "received values from nan"),
    ],
)
def test_images_that_cannot_be_trained_on_are_refused(model, batch, change, message):
    for each, tensor in batch.items():
        if tensor.ndim == 4:
            with pytest.raises(ValueError, match=message):
                model.check_batch(batch | {each: change(tensor)})


def test_batches_that_are_incomplete_are_refused(model, batch):
    for each, tensor in batch.items():
        with pytest.raises(ValueError, match=each):
            model.check_batch({n: t for n, t in batch.items() if n != each})
        with pytest.raises(ValueError, match="received"):
            model.check_batch(batch | {each: tensor[:1]})
    with pytest.raises(ValueError, match="no image at all"):
        model.check_batch({n: t[:0] for n, t in batch.items()})


def test_fit_refuses_before_it_trains(name, batch):
    model = make_model(name)
    model.compile(run_eagerly=True)
    small = {n: t[:, 1:] if t.ndim == 4 else t for n, t in batch.items()}
    with pytest.raises(ValueError, match="received images"):
        model.fit(tf.data.Dataset.from_tensors(small), verbose=0)
    assert model.global_step == 0


@pytest.mark.parametrize("image_size", [0, 18])
def test_image_sizes_that_the_networks_cannot_take_are_refused(name, image_size):
    with pytest.raises(ValueError, match=f"image_size.*{image_size}"):
        make_model(name, image_size=image_size)
