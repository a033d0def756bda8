"""Models of two domains, composed into one of many."""

import keras
import numpy as np
import pytest

from keras_stargan import CycleGAN, LabelSet, PairwiseModel, StarGANv2
from keras_stargan.data import ImageSet
from keras_stargan.evaluation import (
    FeatureNetwork,
    build_classifier,
    evaluate_diverse_translations,
)

SIZE = 8
HAIR = (("black", "blond"), ("black", "brown"), ("blond", "brown"))


def make_part(names, image_size=SIZE):
    return CycleGAN(image_size, LabelSet(names), 2, 1, 1)


def make_images(count):
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, (count, SIZE, SIZE, 3)).astype("float32")


def one_hot(names, labels):
    return np.eye(len(labels))[[labels.index(name) for name in names]]


@pytest.fixture(scope="module")
def parts():
    keras.utils.set_random_seed(0)
    return {names: make_part(names) for names in HAIR}


@pytest.fixture(scope="module")
def model(parts):
    return PairwiseModel(parts.values())


@pytest.fixture(scope="module")
def attributes():
    """Two parts, and a model of binary labels."""
    keras.utils.set_random_seed(1)
    parts = [make_part(("Blond", "-Blond")), make_part(("Young", "-Young"))]
    labels = LabelSet(("Blond", "Young"), "binary")
    return parts, PairwiseModel(parts, labels)


def close(a, b):
    np.testing.assert_allclose(a, b, atol=1e-5)


def test_an_image_is_translated_by_the_model_of_its_pair(parts, model):
    images, names = make_images(2), model.labels.names
    assert names == ("black", "blond", "brown")
    translated = model.translate(
        images, "brown", own=one_hot(["black", "blond"], names)
    )
    close(translated[0], parts["black", "brown"].translate(images[:1], "brown")[0])
    close(translated[1], parts["blond", "brown"].translate(images[1:], "brown")[0])


def test_an_image_of_the_target_domain_stays_as_it_is(model):
    images = make_images(1)
    own = one_hot(["blond"], model.labels.names)
    close(model.translate(images, "blond", own=own), images)


def test_an_image_of_unknown_domain_is_translated_by_the_first_that_can(parts, model):
    images, names = make_images(1), model.labels.names
    unknown = np.zeros((1, 3))
    translated = model.translate(images, "brown", own=unknown)
    close(translated, parts["black", "brown"].translate(images, "brown"))
    with pytest.raises(ValueError, match="own"):
        model.translate(images, one_hot(["brown"], names))


def test_models_of_one_direction_for_each_target_need_no_labels(parts, monkeypatch):
    monkeypatch.setattr(CycleGAN, "reachable", ("blond", "brown"))
    part = parts["black", "brown"]
    model = PairwiseModel([make_part(("black", "blond")), part])
    images = make_images(1)
    close(model.translate(images, "brown"), part.translate(images, "brown"))
    count = sum(part.parameters.values())
    assert model.parameter_summary == f"{count / 1e6:.1f}M x 2"
    assert model.reachable == ("blond", "brown")
    with pytest.raises(ValueError, match=r"translates to blond or brown; .* black"):
        model.translate(images, "black")


def test_several_binary_targets_are_reached_one_after_the_other(attributes):
    (blond, young), model = attributes
    images = make_images(3)
    own = [[0, 1], [1, 1], [0, 0]]
    translated = model.translate(images, "Blond,-Young", own=own)
    both = young.translate(blond.translate(images, "Blond"), "-Young")
    close(translated[0], both[0])
    close(translated[1], young.translate(images, "-Young")[1])
    close(translated[2], blond.translate(images, "Blond")[2])


def test_it_saves_and_loads(tmp_path, model):
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    images = make_images(2)
    own = one_hot(["black", "brown"], model.labels.names)
    close(
        loaded.translate(images, "blond", own=own),
        model.translate(images, "blond", own=own),
    )


def test_its_endpoint_gives_what_translate_gives(model):
    endpoint = model.endpoints()["translate_label"]
    assert set(endpoint.inputs) == {"images", "labels", "own"}
    images, names = make_images(2), model.labels.names
    own = one_hot(["black", "blond"], names).astype("float32")
    labels = one_hot(["brown", "brown"], names).astype("float32")
    given = endpoint.function(images=images, labels=labels, own=own)["translated"]
    close(given, model.translate(images, "brown", own=own))


def test_parameters_are_counted_for_each_direction(parts, model):
    part = parts["black", "blond"]
    total = sum(part.parameters.values())
    assert sum(model.parameters.values()) == 3 * total
    assert "black-blond/generator_ab" in model.parameters
    assert model.parameter_summary == f"{total / 2e6:.1f}M x 6"


def test_the_parts_stay_as_they_are(parts):
    part = make_part(("a", "b"))
    part.compile()
    model = PairwiseModel([part])
    assert part.compiled and not model.models[0].compiled
    before = model.translate(make_images(1), "a")
    part.generator_ba.set_weights(
        [0 * weight for weight in part.generator_ba.get_weights()]
    )
    close(model.translate(make_images(1), "a"), before)


@pytest.mark.parametrize(
    "make, message",
    [
        (list, "one or more trained models"),
        (
            lambda: [make_part(("a", "b")), make_part(("a", "c"), 16)],
            "same image_size; received 8 and 16",
        ),
    ],
)
def test_parts_that_do_not_fit_are_an_error(make, message):
    with pytest.raises(ValueError, match=message):
        PairwiseModel(make())


def test_a_domain_that_no_label_names_is_an_error(parts):
    with pytest.raises(ValueError, match=r"no label 'blond'.*Did you mean Blond"):
        PairwiseModel(parts.values(), LabelSet(("black", "Blond", "brown")))


def test_parts_with_styles_cannot_share_a_target():
    keras.utils.set_random_seed(0)
    sizes = dict.fromkeys(("base_dim", "max_dim", "hidden_dim", "latent_dim"), 2)
    parts = [
        StarGANv2(image_size=16, domains=LabelSet(names), style_dim=2, **sizes)
        for names in (("cat", "dog"), ("cat", "wild"))
    ]
    with pytest.raises(ValueError, match="Several parts translate to cat, and a style"):
        PairwiseModel(parts)


def test_it_is_not_trained(model):
    with pytest.raises(RuntimeError, match="not trained: train a model for each pair"):
        model.compile()


def test_translations_of_all_pairs_are_measured(model):
    names = model.labels.names
    images = np.random.default_rng(0).integers(0, 256, (6, SIZE, SIZE, 3), "uint8")
    image_set = ImageSet(
        images, np.eye(3)[[0, 1, 2] * 2], LabelSet(names), np.arange(6)
    )
    classifier = build_classifier(SIZE, LabelSet(names))
    network = FeatureNetwork.of_classifier("untrained", classifier)
    figures = evaluate_diverse_translations(
        model, image_set, image_set, network, num_translations=2, verbose=0
    )
    assert len(figures["labels"]["pairs"]) == 6
    assert figures["labels"]["pixel_distance"] == 0


def test_a_part_keeps_a_frozen_network_that_was_given_its_weights():
    part = StarGANv2(
        image_size=16,
        domains=LabelSet(("a", "b")),
        base_dim=2,
        max_dim=2,
        hidden_dim=2,
        latent_dim=2,
        style_dim=2,
        w_hpf=1.0,
    )
    part.frozen["fan"].has_weights = True  # As if a caller had set them.
    assert PairwiseModel([part]).models[0].has_fan
