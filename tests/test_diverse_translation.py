"""StarGAN v2's evaluation, by models whose figures are known beforehand."""

import dataclasses
import json

import keras
import numpy as np
import pytest

import keras_stargan
from keras_stargan.data.image_set import ImageSet
from keras_stargan.evaluation.by_diversity import evaluate_diverse_translations
from keras_stargan.labels import LabelSet, LabelSpace
from keras_stargan.pretrained.feature_network import FeatureNetwork
from keras_stargan.pretrained.lpips import LPIPS

SIZE = 32
DOMAINS = LabelSet(("dark", "light", "red"))
# Of each domain the least and the greatest level of each channel.
LEVELS = np.array([[(0, 0, 0), (80, 80, 80)], [(170,) * 3, (250,) * 3]])
LEVELS = np.concatenate([LEVELS, [[(170, 0, 0), (250, 80, 80)]]])


def plain_images(counts=(12, 12, 12), seed=0):
    """Images of one colour each."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(3), counts)
    low, high = LEVELS[labels].transpose(1, 0, 2)
    colours = rng.integers(low, high).astype("uint8")
    return ImageSet(
        images=np.tile(colours[:, None, None], (1, SIZE, SIZE, 1)),
        labels=np.eye(3)[labels],
        label_set=DOMAINS,
        subjects=np.arange(len(labels)),
    )


class Painter:
    """Paints all of an image in a colour of the domain: its style.

    Latents that are drawn from [-1, 1] instead of normally become all colours of the
    domain; a reference's style is its colour.
    """

    labels, image_size, latent_dim = LabelSpace.of(DOMAINS), SIZE, 3
    reachable = DOMAINS.names
    guides = ("latent", "reference")

    def __init__(self, diversity=1.0):
        self.diversity = diversity
        self.translated = 0

    def conditions(self, target, latents=None, references=None, batch_size=32):
        if references is None:
            return self.styles_of_latents(latents, target)
        return self.styles_of_references(references, target)

    def styles_of_latents(self, latents, domain):
        low, high = LEVELS[domain] / 127.5 - 1
        share = 0.5 + 0.5 * self.diversity * np.tanh(latents)
        return (low + share * (high - low)).astype("float32")

    def styles_of_references(self, references, domain):
        low, high = LEVELS[domain] / 127.5 - 1
        assert np.all((references >= low - 1e-6) & (references <= high + 1e-6))
        return references[:, 0, 0]

    def translate(self, images, conditions, batch_size):
        assert len(images) == len(conditions) <= batch_size
        self.translated += len(images)
        return np.tile(conditions[:, None, None], (1, SIZE, SIZE, 1))


def colour_network(**options):
    return FeatureNetwork(
        "mean colours", lambda x: np.asarray(x).mean(axis=(1, 2)), **options
    )


def evaluate(model, counts=(12, 12, 12), **options):
    return evaluate_diverse_translations(
        **{
            "model": model,
            "test_set": plain_images(counts, seed=1),
            "train_set": plain_images(seed=2),
            "network": colour_network(),
            "num_translations": 4,
            "batch_size": 9,
            "verbose": 0,
            **options,
        }
    )


@pytest.fixture(scope="module")
def figures():
    return evaluate(Painter())


def test_every_pair_and_domain_is_there_and_means_are_over_them(figures):
    json.dumps(figures)
    assert figures["num_images"] == 36 and figures["num_translations"] == 4
    for group, parts in (
        ("latents", ("pairs", "dark to light", "red to dark", 6)),
        ("references", ("pairs", "light to red", "red to light", 6)),
        ("real", ("domains", "dark", "red", 3)),
    ):
        by_part = figures[group].pop(parts[0])
        assert set(parts[1:3]) <= set(by_part) and len(by_part) == parts[3]
        for name, value in figures[group].items():
            values = [part[name] for part in by_part.values()]
            assert value == pytest.approx(np.mean(values)), name
        figures[group][parts[0]] = by_part


def test_every_image_is_translated_to_each_other_domain_by_each_guide():
    model = Painter()
    evaluate(model, counts=(2, 3, 4))
    assert model.translated == 2 * 4 * (2 + 3 + 4) * 2


def test_references_are_the_real_images_and_so_are_their_figures(figures):
    real, translated = figures["real"], figures["references"]
    for name in ("feature_distance", "pixel_distance"):
        assert translated[name] == pytest.approx(real[name], rel=0.1)
    assert translated["frechet_distance"] == pytest.approx(
        real["frechet_distance"], abs=0.01
    )


def test_no_reference_is_used_twice_for_an_image_if_there_are_enough():
    drawn = []

    class Recording(Painter):
        def translate(self, images, conditions, batch_size):
            drawn.append((images[:, 0, 0], conditions))
            return super().translate(images, conditions, batch_size)

    evaluate(Recording(), counts=(5, 5, 5), num_translations=5, batch_size=5)
    by_references = drawn[len(drawn) // 2 :]
    assert len(by_references) == 2 * 15
    for sources, references in by_references:
        assert len(np.unique(sources, axis=0)) == 1
        assert len(np.unique(references, axis=0)) == 5


def test_translations_to_the_wrong_domain_are_far_from_its_images(figures):
    class Stubborn(Painter):
        def styles_of_latents(self, latents, domain):
            return super().styles_of_latents(latents, 0)

    pairs = evaluate(Stubborn())["latents"]["pairs"]
    right = figures["latents"]["pairs"]
    assert pairs["red to light"]["frechet_distance"] > 1
    assert right["red to light"]["frechet_distance"] < 0.2
    assert pairs["red to dark"] == right["red to dark"]


def test_diversity_is_that_of_the_translations(figures):
    alike = evaluate(Painter(diversity=0))["latents"]
    half = evaluate(Painter(diversity=0.5))["latents"]
    for name in ("feature_distance", "pixel_distance"):
        assert alike[name] == pytest.approx(0, abs=1e-6)
        # Features are of whole levels of grey.
        assert half[name] == pytest.approx(figures["latents"][name] / 2, rel=0.03)


def test_lpips_is_the_mean_over_all_pairs():
    keras.utils.set_random_seed(0)
    lpips = LPIPS()
    for linear in lpips.linears:
        linear.kernel.assign(np.abs(linear.kernel))
    drawn = []

    class Recording(Painter):
        def translate(self, images, conditions, batch_size):
            drawn.append(super().translate(images, conditions, batch_size))
            return drawn[-1]

    figures = evaluate(
        Recording(), counts=(2, 2, 2), lpips=lpips, num_translations=3, batch_size=3
    )
    expected = []
    for images in drawn[: len(drawn) // 2]:  # the other half is by references
        x, y, z = np.asarray(lpips(images))
        distances = [np.square(a - b).sum() for a, b in ((x, y), (x, z), (y, z))]
        expected.append(np.mean(distances))
    assert figures["latents"]["lpips"] == pytest.approx(np.mean(expected), rel=1e-4)
    assert figures["latents"]["lpips"] > 0


def test_figures_follow_from_the_seed_and_not_from_the_batch_size(figures):
    again = evaluate(Painter(), batch_size=100)
    for group in ("latents", "references", "real"):
        for name in ("frechet_distance", "pixel_distance", "feature_distance"):
            found = again[group][name]
            assert found == pytest.approx(figures[group][name], rel=1e-5)
    other = evaluate(Painter(), seed=1)
    for group in ("latents", "references"):
        assert other[group]["pixel_distance"] != figures[group]["pixel_distance"]


def test_figures_are_called_fid_with_inception_only(figures):
    named = evaluate(Painter(), network=colour_network(is_inception=True))
    for group in ("latents", "references", "real"):
        assert {"fid", "kid"} <= set(named[group])
        assert not any("fid" in name or "kid" in name for name in figures[group])
    assert figures["features"] == "mean colours"


def test_a_stargan_v2_is_evaluated():
    keras.utils.set_random_seed(1)
    model = keras_stargan.StarGANv2(
        image_size=16, domains=DOMAINS, hidden_dim=8, base_dim=4, max_dim=8
    )
    images = plain_images((2, 3, 2))
    images = dataclasses.replace(images, images=images.images[:, :16, :16])
    figures = evaluate(model, test_set=images, train_set=images, num_translations=2)
    for guide in ("latents", "references"):
        assert 0 < figures[guide]["pixel_distance"] < 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_translations": 1}, "num_translations must be 2 or more"),
        ({"counts": (3, 1, 3)}, "test_set.*1 of light"),
        ({"train_set": plain_images((3, 3, 0))}, "train_set.*0 of red"),
        (
            {
                "train_set": dataclasses.replace(
                    plain_images(), label_set=LabelSet(("a", "b", "c"))
                )
            },
            "train_set must be of the model's domains dark, light, red.*a, b, c",
        ),
        (
            {
                "train_set": dataclasses.replace(
                    plain_images(), images=plain_images().images[:, :16, :16]
                )
            },
            "at 32 px.*at 16 px",
        ),
    ],
)
def test_what_cannot_be_evaluated_is_refused_at_once(change, message):
    model = Painter()
    with pytest.raises(ValueError, match=message):
        evaluate(model, **change)
    assert model.translated == 0
