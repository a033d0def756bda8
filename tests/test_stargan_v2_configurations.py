"""StarGAN v2's ablation: each configuration trains what it has, and no more."""

import functools

import keras
import numpy as np
import pytest
from test_stargan_v2_model import (
    DOMAINS,
    IMAGES,
    LATENTS,
    REFERENCES,
    dataset,
    make_model,
)

from keras_stargan.losses import gradient_penalty
from keras_stargan.methods.loading import save_published
from keras_stargan.methods.stargan_v2.losses import (
    wasserstein_discriminator_losses,
)
from keras_stargan.methods.stargan_v2.stargan_v2 import AVERAGED

# Which networks have weights besides the generator and the discriminator.
WITH_WEIGHTS = {
    "B": set(),
    "C": set(),
    "D": {"style_encoder"},
    "E": {"mapping_network", "style_encoder"},
}


@functools.cache  # Once for all tests: it takes seconds.
def train(configuration):
    """A model after a step, the weights before, and the losses."""
    model = make_model(configuration=configuration)
    # Tracing the graph would take longer than the step.
    model.compile(run_eagerly=True)
    before = {
        name: getattr(model, name).get_weights()
        for name in (*AVERAGED, "discriminator")
    }
    history = model.fit(dataset(), steps_per_epoch=1, verbose=0).history
    return model, before, history


@pytest.fixture(params=WITH_WEIGHTS)
def trained(request):
    return request.param, *train(request.param)


def test_the_networks_that_it_has_are_trained(trained):
    name, model, before, _ = trained
    for network in (*AVERAGED, "discriminator"):
        weights = getattr(model, network).get_weights()
        expected = network in {"generator", "discriminator"} | WITH_WEIGHTS[name]
        assert bool(weights) == expected, network
        moved = [
            not np.array_equal(old, new)
            for old, new in zip(before[network], weights, strict=True)
        ]
        # WGAN's two terms take no notice of a bias to all images.
        assert sum(moved) >= len(moved) - 1, network


def test_latents_matter_from_d_on(trained):
    name, model, _, _ = trained
    one, other = (
        model.translate(IMAGES, "dog", latents=z) for z in (LATENTS, -LATENTS)
    )
    assert np.array_equal(one, other) == (name in "BC")
    for images in (one, other):
        assert images.shape == IMAGES.shape and np.abs(images).max() <= 1
    # Domains do in each.
    assert not np.array_equal(one, model.translate(IMAGES, "cat", latents=LATENTS))


def test_references_matter_from_d_on(trained):
    name, model, _, _ = trained
    styles = model.conditions(DOMAINS, references=REFERENCES)
    same_domain = np.array_equal(styles[0], styles[3])
    assert DOMAINS[0] == DOMAINS[3] and same_domain == (name in "BC")


def test_updates_by_references_are_those_of_e_and_f(trained):
    name, model, _, _ = trained
    found = [update.name for update in model.updates]
    by_references = ["D_latent", "D_ref", "G_latent", "G_ref"]
    assert found == (by_references if name == "E" else ["D_latent", "G_latent"])


def test_without_diversity_its_weight_is_0(trained):
    _, _, _, history = trained
    terms = ("adv", "sty", "cyc")
    total = sum(history[f"G_latent/{term}"][0] for term in terms)
    np.testing.assert_allclose(history["G_latent/loss"][0], total, rtol=1e-5)


def test_the_latent_code_is_what_d_finds_again():
    model, _, _ = train("D")
    codes = model.conditions([1, 0, 0, 2], latents=LATENTS)
    np.testing.assert_array_equal(codes[:, :4], LATENTS)
    np.testing.assert_array_equal(codes[:, 4:], np.eye(3)[[1, 0, 0, 2]])
    found = model.conditions([1, 0, 0, 2], references=REFERENCES)
    np.testing.assert_array_equal(found[:, 4:], np.eye(3)[[1, 0, 0, 2]])


def test_it_is_saved_and_loaded(trained, tmp_path):
    name, model, _, _ = trained
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.configuration == name
    np.testing.assert_array_equal(
        again.translate(IMAGES, "dog", latents=LATENTS),
        model.translate(IMAGES, "dog", latents=LATENTS),
    )


def test_wasserstein_terms():
    def critic(inputs):
        images, domains = inputs
        return images[:, 0, 0, 0] * (domains + 1.0)

    real, fake = np.full((2, 1, 1, 1), 3.0, "f"), np.full((2, 1, 1, 1), 1.0, "f")
    looked_at = []

    def input_gradient(function, images):
        looked_at.append(np.asarray(images))
        return np.full((2, 1, 1, 1), 3.0, "f")

    domains, targets = np.array([0, 1]), np.array([1, 1])
    alpha = np.array([0.0, 0.5], "f")
    losses = wasserstein_discriminator_losses(
        critic, real, domains, fake, targets, alpha, input_gradient
    )
    assert float(losses["real"]) == -(3 + 6) / 2
    assert float(losses["fake"]) == 2
    np.testing.assert_array_equal(looked_at[0].ravel(), [1, 2])
    gradient = np.full((2, 1, 1, 1), 3.0, "f")
    assert float(losses["reg"]) == float(gradient_penalty(gradient)) == 4


def test_an_unknown_configuration_is_an_error():
    with pytest.raises(ValueError, match=r"B, C, D, E, F; received 'A'.*StarGAN"):
        make_model(configuration="A")


def test_the_published_format_is_not_for_b_to_d(tmp_path):
    model, _, _ = train("C")
    with pytest.raises(ValueError, match="is of configuration C"):
        save_published(model, tmp_path / "nets.ckpt")
    assert not list(tmp_path.iterdir())
