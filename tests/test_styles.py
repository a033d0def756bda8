"""The figures of StarGAN v2's styles, of models whose answers are known."""

import dataclasses

import keras
import numpy as np
import pytest

from keras_stargan import LabelSet, LabelSpace
from keras_stargan.data import ImageSet
from keras_stargan.evaluation import FeatureNetwork, evaluate_diverse_translations

DOMAINS = LabelSet(("dark", "bright"))


class Model:
    """Its style is a colour: of a latent the first entries, of a reference the mean."""

    labels = LabelSpace.of(DOMAINS)
    reachable = DOMAINS.names
    guides = ("latent", "reference")
    image_size = 8
    latent_dim = 3

    def conditions(self, target, latents=None, references=None, batch_size=32):
        if references is None:
            return self.styles_of_latents(latents, target)
        return self.styles_of_references(references, target)

    def styles_of_latents(self, latents, domain):
        return np.clip(0.1 * latents, -0.4, 0.4) + (0.5 if domain else -0.5)

    def styles_of_references(self, references, domain):
        return references.mean(axis=(1, 2))

    def translate(self, images, conditions, batch_size):
        return np.broadcast_to(conditions[:, None, None], images.shape).astype(
            "float32"
        )


class OneStyle(Model):
    """Whatever the style, its domain's mean comes out."""

    def translate(self, images, conditions, batch_size):
        return super().translate(images, np.sign(conditions) * 0.5, batch_size)


class NoisyModel(Model):
    """Its translations are of either domain, as the latents have it."""

    def styles_of_latents(self, latents, domain):
        return latents


class NoChange(Model):
    """Gives the images back."""

    def translate(self, images, conditions, batch_size):
        return images


@pytest.fixture
def test_set():
    """Flat pictures of random colours: below and above 127."""
    colours = np.random.default_rng(0).integers(0, 128, (12, 1, 1, 3))
    colours[6:] += 128
    return ImageSet(
        images=np.broadcast_to(colours, (12, 8, 8, 3)).astype("uint8"),
        labels=np.repeat(np.eye(2), 6, axis=0),
        label_set=DOMAINS,
        subjects=np.arange(12),
    )


@pytest.fixture
def classifier():
    """Right about every flat picture; its features are the mean colour."""
    inputs = keras.Input((8, 8, 3))
    features = keras.layers.GlobalAveragePooling2D()(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2)(features))
    model.layers[-1].set_weights([np.array([[-1.0, 1.0]] * 3), np.zeros(2)])
    return model


def figures(model, test_set, classifier, **kwargs):
    return evaluate_diverse_translations(
        model,
        test_set,
        test_set,
        FeatureNetwork.of_classifier("mean colours", classifier),
        classifier=classifier,
        num_translations=3,
        verbose=0,
        **kwargs,
    )


def test_styles_that_are_followed(test_set, classifier):
    result = figures(Model(), test_set, classifier)
    for guide in ("latents", "references", "real"):
        assert result[guide]["classification_error_percent"] == 0, guide
    assert result["references"]["colours_follow_percent"] == 100


def test_one_style_for_all_follows_by_chance(test_set, classifier):
    result = figures(OneStyle(), test_set, classifier)
    assert result["latents"]["classification_error_percent"] == 0
    assert 25 < result["references"]["colours_follow_percent"] < 75


def test_no_change_is_the_wrong_domain(test_set, classifier):
    result = figures(NoChange(), test_set, classifier)
    assert result["real"]["classification_error_percent"] == 0
    for guide in ("latents", "references"):
        assert result[guide]["classification_error_percent"] == 100, guide


def test_references_of_one_colour_cannot_be_followed(test_set, classifier):
    grey = dataclasses.replace(test_set, images=0 * test_set.images)
    result = figures(Model(), grey, classifier)
    assert "colours_follow_percent" not in result["references"]


def test_the_seed_decides_the_styles(test_set, classifier):
    first, again, other = (
        figures(NoisyModel(), test_set, classifier, seed=seed) for seed in (1, 1, 2)
    )
    assert first == again != other


def test_other_domains_are_an_error(test_set, classifier):
    model = Model()
    model.labels = LabelSpace.of(LabelSet(("cat", "dog")))
    with pytest.raises(ValueError, match=r"cat, dog .*it is of dark, bright"):
        figures(model, test_set, classifier)


def test_a_domain_without_test_images_is_an_error(test_set, classifier):
    with pytest.raises(ValueError, match="it has 0 of bright"):
        figures(Model(), test_set.subset(np.arange(6)), classifier)
