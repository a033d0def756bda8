"""StarGAN as a Keras model: sizes, schedule, bad input, translation, saving."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from replicas import two_replicas

import keras_stargan
from keras_stargan import LabelSet, LabelSpace

SIZE, LABELS = 16, 3
EXPRESSIONS = LabelSet(("angry", "happy", "sad"), name="faces")
ATTRIBUTES = LabelSet(("blond", "male", "young"), "binary", name="people")


def make_model(cls=keras_stargan.StarGAN, **kwargs):
    keras.utils.set_random_seed(1)
    settings = {
        "image_size": SIZE,
        "labels": EXPRESSIONS,
        "conv_dim": 4,
        "num_residual_blocks": 1,
        "num_discriminator_layers": 2,
        "n_critic": 2,
    } | kwargs
    return cls(**settings)


def make_data(count):
    rng = np.random.RandomState(0)
    labels = rng.randint(0, LABELS, 64)
    images = rng.uniform(-1, 1, (64, SIZE, SIZE, 3)).astype("float32")
    return images[:count], np.eye(LABELS, dtype="float32")[labels[:count]]


def make_dataset(steps, batch=4, first=0):
    data = tf.data.Dataset.from_tensor_slices(make_data(steps * batch))
    return data.batch(batch, drop_remainder=True).skip(first)


def weights(model):
    return [keras.ops.convert_to_numpy(v) for v in model.variables]


@pytest.mark.parametrize(
    "labels, generator, discriminator",
    [
        (8, 8_439_936, 44_786_624),
        (5, 8_430_528, 44_762_048),
    ],
)
def test_published_parameter_counts(labels, generator, discriminator):
    model = keras_stargan.StarGAN(image_size=128, num_labels=labels)
    assert model.generator.count_params() == generator
    assert model.discriminator.count_params() == discriminator


def test_initial_weights_are_within_the_published_bounds():
    discriminator = make_model(conv_dim=16).discriminator
    kernel, bias = discriminator.weights[2:4]
    bound = (4 * 4 * 16) ** -0.5
    for value in (kernel, bias):
        largest = np.abs(value).max()
        assert 0.5 * bound < largest <= bound


def test_generator_moves_at_each_n_critic_th_step_only():
    model = make_model(n_critic=3)
    model.compile(run_eagerly=True)
    moved = []
    before = model.generator.get_weights()[0]
    for batch in make_dataset(6):
        model.train_on_batch(*batch)
        after = model.generator.get_weights()[0]
        moved.append(bool(np.any(after != before)))
        before = after
    assert moved == [False, False, True, False, False, True]


def test_with_two_data_sets_the_generator_moves_in_rows_of_two_batches():
    space = LabelSpace((EXPRESSIONS, ATTRIBUTES))
    model = make_model(labels=space, n_critic=2)
    model.compile(run_eagerly=True)
    images = make_data(4)[0]
    moved = []
    before = model.generator.get_weights()[0]
    for step in range(8):
        label = [[0, 1, 0]] if step % 2 == 0 else [[1, 0, 1]]
        model.train_on_batch(images, space.unify(label * 4, step % 2))
        after = model.generator.get_weights()[0]
        moved.append(bool(np.any(after != before)))
        before = after
    assert moved == [False, False, True, True] * 2


def test_generator_loss_moves_the_generator_alone():
    model = make_model(n_critic=1)
    model.compile(
        generator_optimizer=keras_stargan.Adam(1e-2),
        discriminator_optimizer=keras_stargan.Adam(0.0),
        run_eagerly=True,
    )
    generator = model.generator.get_weights()[0]
    discriminator = model.discriminator.get_weights()[0]
    model.fit(make_dataset(1), verbose=0)
    assert np.any(model.generator.get_weights()[0] != generator)
    np.testing.assert_array_equal(model.discriminator.get_weights()[0], discriminator)


def test_total_losses_are_the_weighted_sums_of_the_equations():
    model = make_model(n_critic=1, lambda_cls=3.0, lambda_rec=7.0, lambda_gp=5.0)
    model.compile(run_eagerly=True)
    logs = model.fit(make_dataset(1), verbose=0).history
    loss = {name: values[0] for name, values in logs.items()}
    assert loss["D/loss"] == pytest.approx(
        loss["D/real"] + loss["D/fake"] + 3 * loss["D/cls"] + 5 * loss["D/gp"], rel=1e-5
    )
    assert loss["G/loss"] == pytest.approx(
        loss["G/fake"] + 3 * loss["G/cls"] + 7 * loss["G/rec"], rel=1e-5
    )


def test_fit_takes_arrays():
    model = make_model()
    model.compile(run_eagerly=True)
    model.fit(*make_data(8), batch_size=4, epochs=2, verbose=0)
    assert model.global_step == 4


def test_fit_takes_float64_images_and_integer_labels():
    model = make_model(labels=ATTRIBUTES, n_critic=1)
    model.compile(run_eagerly=True)
    images, labels = make_data(4)
    data = images.astype("float64"), labels.astype("int64")
    model.fit(tf.data.Dataset.from_tensors(data), verbose=0)
    assert model.global_step == 1


def test_fit_takes_generators_and_misses_none_of_their_batches():
    model = make_model()
    model.compile(run_eagerly=True)
    images, labels = make_data(4)
    model.fit(((images, labels) for _ in range(3)), verbose=0)
    assert model.global_step == 3


def test_evaluate_gives_losses_and_moves_nothing():
    model = make_model()
    model.compile(run_eagerly=True)
    before = weights(model)
    first = model.evaluate(make_dataset(2), return_dict=True, verbose=0)
    second = model.evaluate(make_dataset(2), return_dict=True, verbose=0)
    assert first == second and first["G/rec"] > 0
    assert model.global_step == 0
    for a, b in zip(before[: len(weights(model))], weights(model), strict=True):
        if a.ndim:
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"image_size": 18}, "multiple of 4; received 18"),
        ({"image_size": 2}, "multiple of 4; received 2"),
        ({"image_size": 20, "num_discriminator_layers": 3}, "multiple of 8"),
        ({"labels": None, "num_labels": 0}, "num_labels must be at least 1"),
        ({"num_labels": 3}, "num_labels or labels, not both"),
        ({"n_critic": 0}, "n_critic must be at least 1; received 0"),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        make_model(**settings)


def datasets(images, labels):
    return tf.data.Dataset.from_tensors((images, labels))


IMAGES, ONE_HOT = make_data(4)


@pytest.mark.parametrize(
    "data, message",
    [
        (datasets(IMAGES, ONE_HOT[:, :2]), r"labels of shape \(4, 2\)"),
        (datasets(IMAGES[:, :8], ONE_HOT), r"received images of shape \(4, 8, 16, 3\)"),
        (datasets(IMAGES * 127.5 + 127.5, ONE_HOT), r"values from .*/ 127.5 - 1"),
        (datasets(IMAGES * np.nan, ONE_HOT), "values from nan"),
        (datasets(IMAGES, ONE_HOT).take(0), "empty"),
        (datasets(IMAGES, 2 * ONE_HOT - 1), "0 or 1; received values from -1 to 1"),
        (
            datasets(IMAGES, np.ones_like(ONE_HOT)),
            "one-hot; received one with the sum 3",
        ),
        (
            datasets(IMAGES, ONE_HOT).unbatch(),
            r"received images of shape \(16, 16, 3\)",
        ),
        (tf.data.Dataset.from_tensors(IMAGES), "no labels"),
        (datasets(IMAGES[:0], ONE_HOT[:0]), "no image at all"),
    ],
)
def test_fit_refuses_bad_data_before_training(data, message):
    model = make_model()
    model.compile()
    with pytest.raises(ValueError, match=message):
        model.fit(data, verbose=0)
    assert model.global_step == 0


def test_fit_warns_of_images_from_0_to_1():
    model = make_model()
    model.compile(run_eagerly=True)
    with pytest.warns(UserWarning, match="from -1 to 1, not from 0 to 1"):
        model.fit(datasets(IMAGES / 2 + 0.5, ONE_HOT), verbose=0)


def test_sample_weights_are_refused():
    model = make_model()
    model.compile()
    with pytest.raises(ValueError, match="sample_weight"):
        model.fit(IMAGES, ONE_HOT, sample_weight=np.ones(4), verbose=0)


def test_translate_is_the_generator_in_batches():
    model = make_model()
    translated = model.translate(IMAGES, ONE_HOT[::-1], batch_size=3)
    expected = model.generator([IMAGES, np.ascontiguousarray(ONE_HOT[::-1])])
    np.testing.assert_allclose(translated, expected, atol=1e-6)


def test_classify_gives_the_labels_of_the_greatest_logits():
    model = make_model()
    logits = keras.ops.convert_to_numpy(model.discriminator(IMAGES)[1])
    np.testing.assert_array_equal(
        model.classify(IMAGES, batch_size=3), np.eye(LABELS)[logits.argmax(axis=1)]
    )


def test_labels_are_saved_with_the_model(tmp_path):
    space = LabelSpace((EXPRESSIONS, ATTRIBUTES))
    make_model(labels=space).save(tmp_path / "model.keras")
    assert keras.saving.load_model(tmp_path / "model.keras").labels == space


def test_translate_works_where_replicas_have_unequal_shares():
    with two_replicas().scope():
        model = make_model()
    translated = model.translate(IMAGES[:3], ONE_HOT[:3], batch_size=2)
    expected = make_model().translate(IMAGES[:3], ONE_HOT[:3])
    np.testing.assert_allclose(translated, expected, atol=1e-6)


def adams():
    return {
        "generator": keras_stargan.Adam(1e-3),
        "discriminator": keras_stargan.Adam(2e-3),
    }


def test_keras_own_optimizers_can_be_used_and_saved(tmp_path):
    model = make_model()
    model.compile(
        generator_optimizer=keras.optimizers.RMSprop(1e-3),
        discriminator_optimizer=keras.optimizers.Adam(1e-3),
        run_eagerly=True,
    )
    model.fit(make_dataset(2), verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.optimizers["generator"], keras.optimizers.RMSprop)
    np.testing.assert_array_equal(
        loaded.optimizers["generator"].variables[2],
        model.optimizers["generator"].variables[2],
    )


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_trains_with_float32_weights_and_pictures(policy):
    model = make_model(dtype=policy, n_critic=1)
    model.compile()
    before = model.generator.get_weights()[0]
    history = model.fit(make_dataset(3), verbose=0).history
    assert model.generator.get_weights()[0].dtype == "float32"
    assert np.any(model.generator.get_weights()[0] != before)
    assert np.isfinite(history["D/loss"][0])
    assert model.translate(IMAGES, ONE_HOT).dtype == "float32"
