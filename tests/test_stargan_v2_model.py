"""StarGAN v2 as a model: training, averages, styles, translation, saving."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny_v2
from replicas import two_replicas

import keras_stargan
from keras_stargan import LabelSet
from keras_stargan.files.pytorch import read_checkpoint, write_checkpoint
from keras_stargan.methods.loading import load_published, save_published
from keras_stargan.methods.stargan_v2.stargan_v2 import AVERAGED, published_adam

SIZE, COUNT = tiny_v2.SIZE, 4
TINY = {**tiny_v2.MODEL, "ds_iter": 10, "average_decay": 0.9}
RNG = np.random.default_rng(7)
IMAGES, REFERENCES, OTHERS = RNG.uniform(-1, 1, (3, COUNT, SIZE, SIZE, 3)).astype("f")
DOMAINS, TARGETS = np.array([0, 1, 2, 0]), np.array([1, 0, 0, 2])
LATENTS = RNG.standard_normal((COUNT, 4)).astype("float32")
BATCH = ((IMAGES, DOMAINS), (REFERENCES, OTHERS, TARGETS))


def make_model(**changes):
    return tiny_v2.make_model(**TINY | changes)


def dataset(batch=BATCH):
    return tf.data.Dataset.from_tensors(batch).repeat()


def weights(model):
    return {
        name: np.concatenate([w.ravel() for w in getattr(model, name).get_weights()])
        for name in (*AVERAGED, "discriminator", *(f"average_{n}" for n in AVERAGED))
    }


def fast_adam():
    return published_adam(1e-2)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A model after two steps, its weights before, after one and after two."""
    model = make_model()
    # Tracing the graph would take longer than the steps.
    model.compile({name: fast_adam() for name in model.networks}, run_eagerly=True)
    states = [weights(model)]
    for _ in range(2):
        model.fit(dataset(), steps_per_epoch=1, verbose=0)
        states.append(weights(model))
    path = tmp_path_factory.mktemp("model") / "model.keras"
    model.save(path)
    return model, states, path


def test_every_network_learns(trained):
    _, (before, after, _), _ = trained
    for name in (*AVERAGED, "discriminator"):
        assert np.mean(before[name] != after[name]) > 0.9, name


def test_averages_follow_the_weights_after_each_step(trained):
    _, states, _ = trained
    for name in AVERAGED:
        average = states[0][name]
        for state in states[1:]:
            average = 0.9 * average + 0.1 * state[name]
        np.testing.assert_allclose(
            states[2][f"average_{name}"], average, atol=1e-6, err_msg=name
        )


def test_the_weight_of_diversity_falls_with_the_steps():
    model = make_model(lambda_ds=2.0)
    for step, expected in ((0, 2.0), (1, 1.8), (9, 0.2), (10, 0.0), (25, 0.0)):
        model.step.assign(step)
        np.testing.assert_allclose(model.diversity_weight(), expected, atol=1e-6)


def test_translation_is_by_the_averages(trained):
    model = make_model()
    expected = model.translate(IMAGES, "dog", latents=LATENTS)
    for name in AVERAGED:
        network = getattr(model, name)
        network.set_weights([0 * w for w in network.get_weights()])
    found = model.translate(IMAGES, "dog", latents=LATENTS)
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == "float32" and np.abs(found).max() <= 1


@pytest.fixture(scope="module")
def model():
    return make_model()


def test_domains_go_by_name_or_number_or_one_for_each(model):
    by_name = model.translate(IMAGES, "dog", latents=LATENTS)
    np.testing.assert_array_equal(model.translate(IMAGES, 1, latents=LATENTS), by_name)
    each = model.translate(IMAGES, [1, 0, 0, 1], latents=LATENTS)
    np.testing.assert_allclose(each[[0, 3]], by_name[[0, 3]], atol=1e-5)
    assert not np.allclose(each[1], by_name[1], atol=1e-3)


def test_styles_of_references_are_those_that_translate(model):
    styles = model.conditions("cat", references=REFERENCES)
    np.testing.assert_allclose(
        model.translate(IMAGES, conditions=styles),
        model.translate(IMAGES, "cat", references=REFERENCES),
        atol=1e-5,
    )


@pytest.mark.parametrize("source", ["latents", "references"])
def test_one_style_serves_all_images(model, source):
    one = {"latents": LATENTS, "references": REFERENCES}[source][:1]
    found = model.translate(IMAGES, "wild", **{source: one})
    repeated = {source: np.repeat(one, COUNT, axis=0)}
    np.testing.assert_allclose(
        found, model.translate(IMAGES, "wild", **repeated), atol=1e-5
    )


def test_truncation_moves_styles_towards_the_domains_mean(model):
    styles = model.conditions("dog", latents=LATENTS)
    mean = model.mean_condition("dog")
    np.testing.assert_allclose(
        model.conditions("dog", latents=LATENTS, psi=0.5),
        mean + 0.5 * (styles - mean),
        atol=1e-5,
    )
    assert not np.allclose(mean, model.mean_condition("cat"), atol=1e-2)


class HalfTrained(keras_stargan.StarGANv2):
    """An update of each player, of each kind of style: all four compile for minutes."""

    @property
    def updates(self):
        return super().updates[1:3]


def test_two_replicas_with_xla_do_what_one_does():
    states = []
    for strategy in (
        tf.distribute.get_strategy(),
        two_replicas(),
    ):
        several = strategy.num_replicas_in_sync > 1
        with strategy.scope():
            keras.utils.set_random_seed(1)
            model = HalfTrained(**TINY)
            model.compile(jit_compile=several, run_eagerly=not several)
        model.fit(dataset(), steps_per_epoch=2, verbose=0)
        states.append(weights(model))
    for (name, value), other in zip(states[0].items(), states[1].values(), strict=True):
        # Adam's first steps are signs: where a gradient is almost 0, chance decides.
        assert np.mean(np.abs(value - other) < 1e-5) > 0.9, name


# MSGAN's term.


def after_a_step(strategy, **changes):
    """A model after a step, and its losses."""
    with strategy.scope():
        model = make_model(dtype="float64", **changes)
        model.compile(run_eagerly=True)
    history = model.fit(dataset(), steps_per_epoch=1, verbose=0).history
    return model, {name: values[0] for name, values in history.items()}


@pytest.fixture(scope="module")
def seeking():
    return after_a_step(tf.distribute.get_strategy(), lambda_ms=2.0)


def test_a_mode_seeking_term_is_a_ratio_over_the_whole_batch(seeking):
    model, losses = make_model(dtype="float64"), seeking[1]
    draws = model.draw(model.draws_of(0), {"domains": DOMAINS})
    z, z2 = (np.asarray(draws[name]) for name in ("z", "z2"))
    fakes = [
        np.asarray(model.generator([IMAGES, model.mapping_network([each, TARGETS])]))
        for each in (z, z2)
    ]
    ratio = np.abs(fakes[0] - fakes[1]).mean() / np.abs(z - z2).mean()
    # The discriminator's update, which is before, does not move these networks.
    assert losses["G_latent/ms"] == pytest.approx(1 / (ratio + 1e-5), 1e-6)
    terms = {"adv": 1.0, "sty": 1.0, "ds": -1.0, "cyc": 1.0, "ms": 2.0}
    total = sum(weight * losses[f"G_latent/{name}"] for name, weight in terms.items())
    assert losses["G_latent/loss"] == pytest.approx(total, 1e-9)


def test_a_mode_seeking_term_has_both_translations_judged(seeking):
    model, losses = make_model(dtype="float64"), seeking[1]
    draws = model.draw(model.draws_of(0), {"domains": DOMAINS})

    def logits(images, domains):
        return np.asarray(model.discriminator([images, domains]), "float64")

    fake = 0.0
    for name in ("z", "z2"):
        styles = model.mapping_network([draws[name], TARGETS])
        images = model.generator([IMAGES, styles])
        fake += np.logaddexp(0, logits(images, TARGETS)).mean()
    assert losses["D_latent/fake"] == pytest.approx(fake, 1e-6)
    real = 2 * np.logaddexp(0, -logits(IMAGES, DOMAINS)).mean()
    assert losses["D_latent/real"] == pytest.approx(real, 1e-6)
    assert "G_ref/ms" not in losses


def test_two_replicas_seek_modes_as_one_device(seeking):
    model, losses = seeking
    other, other_losses = after_a_step(two_replicas(), lambda_ms=2.0)
    for name, value in losses.items():
        assert other_losses[name] == pytest.approx(value, 1e-9), name
    for (name, value), found in zip(
        weights(model).items(), weights(other).values(), strict=True
    ):
        np.testing.assert_allclose(found, value, atol=1e-9, err_msg=name)


def test_configurations_without_styles_do_not_seek_modes():
    with pytest.raises(ValueError, match=r"lambda_ms=1\.0 with configuration 'C'"):
        make_model(configuration="C", lambda_ms=1.0)


# Bad input.


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ((IMAGES, DOMAINS), "reference_dataset gives"),
        (((IMAGES, DOMAINS + 1), BATCH[1]), "0 to 2 .cat, dog, wild.; received 3"),
        ((BATCH[0], (REFERENCES, OTHERS, TARGETS - 1)), "reference_domains .*-1"),
        ((BATCH[0], (REFERENCES[:2], OTHERS, TARGETS)), "two references for each of 4"),
    ],
)
def test_fit_refuses_bad_batches(model, batch, message):
    model.compile()
    with pytest.raises(ValueError, match=message):
        model.fit(dataset(batch), steps_per_epoch=1, verbose=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"target": 0, "latents": LATENTS, "references": REFERENCES},
            "latents or references, not both",
        ),
        ({"target": "lion", "latents": LATENTS}, "'lion' among cat, dog, wild"),
        ({"target": 3, "latents": LATENTS}, "from 0 to 2 .*received 3"),
        ({"target": 0, "latents": LATENTS[:2]}, "as many latents as images, 4"),
    ],
)
def test_translate_refuses(model, arguments, message):
    with pytest.raises(ValueError, match=message):
        model.translate(IMAGES, **arguments)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_domains": 3}, "num_domains or domains, not both"),
        ({"domains": None, "num_domains": 0}, "at least 1; received 0"),
        ({"domains": LabelSet(("a", "b"), "binary")}, "one categorical LabelSet"),
        ({"ds_iter": 0}, "ds_iter must be at least 1; received 0"),
        ({"average_decay": 1.5}, "from 0 to 1; received 1.5"),
        ({"image_size": 48}, "power of two.*48"),
    ],
)
def test_impossible_settings_are_an_error(changes, message):
    with pytest.raises(ValueError, match=message):
        make_model(**changes)


def test_mixed_float16_is_refused():
    model = make_model(dtype="mixed_float16")
    with pytest.raises(ValueError, match="use mixed_bfloat16"):
        model.compile()


def test_a_filter_without_a_fan_is_refused_before_training():
    model = make_model(w_hpf=1.0)
    model.compile()
    with pytest.raises(ValueError, match=r"needs a trained FAN.*load_fan"):
        model.fit(dataset(), steps_per_epoch=1, verbose=0)


# Published files.


@pytest.fixture(scope="module")
def files(trained, tmp_path_factory):
    model, _, _ = trained
    folder = tmp_path_factory.mktemp("files")
    paths = folder / "nets_ema.ckpt", folder / "nets.ckpt"
    save_published(model, *paths)
    return paths


def test_weights_come_back_from_published_files_exactly(trained, files):
    model, _, _ = trained
    again = load_published(*files, labels=TINY["domains"])
    for name, value in weights(model).items():
        np.testing.assert_array_equal(weights(again)[name], value, err_msg=name)
    for name in ("image_size", "latent_dim", "style_dim", "hidden_dim", "w_hpf"):
        assert getattr(again, name) == getattr(model, name), name


def test_the_averages_alone_make_a_model_that_translates(trained, files):
    model, _, _ = trained
    again = load_published(files[0])
    assert again.domains.names == ("cat", "dog", "wild")  # The published three.
    np.testing.assert_array_equal(
        again.translate(IMAGES, 1, latents=LATENTS),
        model.translate(IMAGES, 1, latents=LATENTS),
    )


@pytest.mark.parametrize(
    ("network", "entry", "message"),
    [
        ("generator", "to_rgb.2.bias", "'to_rgb.2.bias' is missing"),
        ("style_encoder", "shared.0.weight", "'shared.0.weight' is missing"),
        ("mapping_network", None, "of the network mapping_network"),
        ("generator", None, "of the network generator"),
    ],
)
def test_a_file_with_a_gap_is_named(files, tmp_path, network, entry, message):
    states = read_checkpoint(files[0]).networks
    if entry is None:
        del states[network]
    else:
        del states[network][entry]
    path = tmp_path / "broken.ckpt"
    write_checkpoint(path, states)
    with pytest.raises(ValueError, match=f"broken.ckpt.*{message}"):
        load_published(path)


def test_averages_alone_are_no_networks_file(files):
    with pytest.raises(ValueError, match="there is no discriminator"):
        load_published(files[0], files[0])


def test_names_must_be_as_many_as_the_domains(files):
    with pytest.raises(ValueError, match="3 domains; received the names of 2, a, b"):
        load_published(files[0], labels=LabelSet(("a", "b")))
