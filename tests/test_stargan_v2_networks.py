"""The networks and losses of StarGAN v2 against the published implementation."""

import math
import types

import golden_inputs
import keras
import numpy as np
import pytest
from keras import ops

from keras_stargan.files.pytorch import (
    assign_weights,
    check_weights,
    state_dict,
    weight_shapes,
)
from keras_stargan.methods.stargan_v2 import layers as stargan_v2_layers
from keras_stargan.methods.stargan_v2 import networks as stargan_v2_networks
from keras_stargan.methods.stargan_v2 import published
from keras_stargan.methods.stargan_v2.layers import high_pass
from keras_stargan.methods.stargan_v2.losses import (
    discriminator_losses,
    generator_losses,
)
from keras_stargan.methods.stargan_v2.networks import (
    Discriminator,
    Generator,
    MappingNetwork,
    StyleEncoder,
)
from keras_stargan.training.gradients import input_gradient

NETWORKS = ("generator", "mapping_network", "style_encoder", "discriminator")
PARAMETERS = {
    "v2 AFHQ 256px w_hpf=0": {
        "generator": 33892995,
        "mapping_network": 3259072,
        "style_encoder": 20949760,
        "discriminator": 20852803,
    },
    "v2 CelebA-HQ 256px w_hpf=1": {
        "generator": 43467395,
        "mapping_network": 2438272,
        "style_encoder": 20916928,
        "discriminator": 20852290,
    },
}
TINY = {"image_size": 16, "base_dim": 4, "max_dim": 8}


def networks_and_names(
    num_domains,
    w_hpf,
    style_dim=64,
    latent_dim=16,
    image_size=256,
    dtype="float32",
    **widths,
):
    """By name: each network, and the map of its published names."""
    style = {"style_dim": style_dim}
    image = {"image_size": image_size, **widths}
    domains = {"num_domains": num_domains}
    settings = {
        "generator": {**image, **style, "w_hpf": w_hpf},
        "mapping_network": {**domains, **style, "latent_dim": latent_dim},
        "style_encoder": {**image, **domains, **style},
        "discriminator": {**image, **domains},
    }
    classes = (Generator, MappingNetwork, StyleEncoder, Discriminator)
    made = {
        name: cls(**settings[name], dtype=dtype, name=name)
        for name, cls in zip(NETWORKS, classes, strict=True)
    }
    model = types.SimpleNamespace(configuration="F", averaged=(), has_fan=False, **made)
    _, names = published.weight_files(model)
    return {name: (network, names[name]) for name, network in made.items()}


class Case:
    """One golden file: fresh networks with the golden weights, and step 0's batch."""

    def __init__(self, name, w_hpf):
        self.golden = golden = np.load(golden_inputs.FOLDER / f"{name}.npz")
        made = networks_and_names(
            3, w_hpf, style_dim=8, latent_dim=4, base_dim=64, max_dim=8
        )
        for network, (_, names) in made.items():
            state = {
                key: golden_inputs.weight(f"{network}/{key}", shape)
                for key, shape in weight_shapes(names).items()
            }
            check_weights(names, state, network)
            assign_weights(names, state)
        self.names = {network: names for network, (_, names) in made.items()}
        self.generator, self.mapping_network, self.style_encoder, self.discriminator = (
            keras_network for keras_network, _ in made.values()
        )
        self.images = golden_inputs.images(np.random.RandomState(23), 2, 256)
        self.domains = golden["y"][0].astype("int32")
        self.target_domains = golden["y_trg"][0].astype("int32")
        self.masks = None
        if w_hpf:
            low = np.transpose(golden["masks_low"][:, :, 0], (1, 2, 3, 0))
            self.masks = ops.image.resize(low, (256, 256), antialias=False)

    def translate(self, images, styles):
        masks = [] if self.masks is None else [self.masks]
        return self.generator([images, styles, *masks])

    def losses(self, name):
        """The published value of a term in step 0."""
        return self.golden[f"loss {name}"][0]


@pytest.fixture(scope="module", params=[("v2", 0.0), ("v2_hpf", 1.0)], ids=str)
def case(request):
    return Case(*request.param)


def test_entries_are_those_of_the_published_files(case):
    for network in ("generator", "style_encoder", "discriminator"):
        expected = {
            key.removeprefix(f"{network}/"): shape
            for key, shape in golden_inputs.weights(case.golden, network)
        }
        expected.pop("hpf.filter", None)  # No weight, but a constant.
        assert weight_shapes(case.names[network]) == expected
    # The file holds the smaller ones of the mapping network's.
    shapes = weight_shapes(case.names["mapping_network"])
    for key, shape in golden_inputs.weights(case.golden, "mapping_network"):
        assert shapes[key.removeprefix("mapping_network/")] == shape


def test_styles_of_latents_agree(case):
    styles = case.mapping_network([case.golden["z"][0], case.domains])
    np.testing.assert_allclose(styles, case.golden["forward style_latent"], atol=1e-4)


def test_styles_of_images_agree(case):
    styles = case.style_encoder([case.images, case.domains])
    expected = case.golden["forward style_reference"]
    np.testing.assert_allclose(styles, expected, atol=1e-4)


def test_logits_agree(case):
    logits = case.discriminator([case.images, case.domains])
    np.testing.assert_allclose(logits, case.golden["forward D"], atol=1e-4)


def test_translations_agree(case):
    fake = case.translate(case.images, case.golden["forward style_latent"])
    np.testing.assert_allclose(
        np.transpose(fake, (0, 3, 1, 2))[:, :, ::8, ::8],
        case.golden["forward G"],
        atol=1e-4,
    )


def test_discriminator_losses_of_the_first_update_agree(case):
    latents = case.golden["z"][0]
    styles = case.mapping_network([latents, case.target_domains])
    losses = discriminator_losses(
        case.discriminator,
        ops.convert_to_tensor(case.images),
        case.domains,
        case.translate(case.images, styles),
        case.target_domains,
        input_gradient,
    )
    for term, value in losses.items():
        expected = case.losses(f"D/latent_{term}")
        np.testing.assert_allclose(value, expected, rtol=1e-3, err_msg=term)


def test_generator_losses_of_the_first_update_agree(case):
    styles, other_styles = (
        case.mapping_network([case.golden[name][0], case.target_domains])
        for name in ("z", "z2")
    )
    losses = generator_losses(
        case.generator,
        case.style_encoder,
        case.discriminator,
        case.images,
        case.domains,
        case.target_domains,
        styles,
        other_styles,
        case.masks,
        lambda images: case.masks,
    )
    # Not `adv`: by then the published discriminator has been updated twice.
    for term in ("sty", "ds", "cyc"):
        expected = case.losses(f"G/latent_{term}")
        np.testing.assert_allclose(losses[term], expected, rtol=1e-3, err_msg=term)


@pytest.mark.parametrize(
    ("setting", "num_domains", "w_hpf"),
    [("v2 AFHQ 256px w_hpf=0", 3, 0.0), ("v2 CelebA-HQ 256px w_hpf=1", 2, 1.0)],
)
def test_parameter_counts_are_the_published_ones(
    setting, num_domains, w_hpf, monkeypatch
):
    # Drawing 80 million random numbers takes most of the time.
    monkeypatch.setattr(stargan_v2_layers, "he_normal", lambda fan_in: "zeros")
    made = networks_and_names(num_domains, w_hpf)
    counts = {name: network.count_params() for name, (network, _) in made.items()}
    assert counts == PARAMETERS[setting]


@pytest.fixture(scope="module")
def tiny():
    """Networks and tables of 16 px with 3 domains, styles of 8."""
    return networks_and_names(3, 1.0, style_dim=8, latent_dim=4, **TINY)


def random_inputs(name, rng, count=2):
    images = rng.uniform(-1, 1, (count, 16, 16, 3)).astype("float32")
    domains = rng.integers(3, size=count)
    if name == "generator":
        styles = rng.normal(size=(count, 8)).astype("float32")
        return [images, styles, rng.random((count, 4, 4, 2)).astype("float32")]
    if name == "mapping_network":
        return [rng.normal(size=(count, 4)).astype("float32"), domains]
    return [images, domains]


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_are_written_as_they_were_read(tiny, name):
    network, names = tiny[name]
    state = {
        key: golden_inputs.weight(key, shape)
        for key, shape in weight_shapes(names).items()
    }
    assign_weights(names, state)
    # Each weight of the network has its entry.
    assert sum(value.size for value in state.values()) == network.count_params()
    written = state_dict(names)
    written.pop("hpf.filter", None)
    assert list(written) == list(state)
    for key, value in state.items():
        np.testing.assert_array_equal(written[key], value, err_msg=key)


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_are_made_again_from_their_settings(tiny, name, tmp_path):
    network, _ = tiny[name]
    network.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras")
    inputs = random_inputs(name, np.random.default_rng(2))
    np.testing.assert_array_equal(again(inputs), network(inputs))


@pytest.mark.parametrize("name", ["mapping_network", "style_encoder", "discriminator"])
def test_each_domain_has_its_own_head_in_any_batch(tiny, name):
    network, _ = tiny[name]
    inputs, _ = random_inputs(name, np.random.default_rng(3), count=1)
    one_by_one = [network([inputs, np.array([domain])])[0] for domain in (2, 0, 1)]
    together = network([np.repeat(inputs, 3, axis=0), np.array([2, 0, 1])])
    np.testing.assert_allclose(together, np.stack(one_by_one), atol=1e-5)
    assert not np.allclose(together[0], together[1], atol=1e-2)


def test_the_first_mask_is_for_32_pixels_and_the_second_for_64_and_128(monkeypatch):
    generator = Generator(128, style_dim=8, base_dim=2, max_dim=2, w_hpf=1.0)
    filtered = []

    def high_pass(features, w_hpf):
        filtered.append(features)
        return features

    monkeypatch.setattr(stargan_v2_networks, "high_pass", high_pass)
    for mask, sizes in ((0, {32}), (1, {64, 128})):
        filtered.clear()
        masks = np.zeros((1, 16, 16, 2), "float32")
        masks[..., mask] = 1.0
        generator([np.ones((1, 128, 128, 3)), np.ones((1, 8)), masks])
        assert len(filtered) == 3
        assert {x.shape[1] for x in filtered if np.any(x)} == sizes


def test_the_high_pass_filter_keeps_edges_only():
    image = np.ones((1, 4, 4, 2), "float32")
    image[0, 1, 2, 1] = 3.0
    edges = np.asarray(high_pass(ops.convert_to_tensor(image), 2.0))
    np.testing.assert_array_equal(edges[0, 1:3, 1:3, 0], np.zeros((2, 2)))
    np.testing.assert_array_equal(edges[0, 1:3, 1:3, 1], [[-1, 8], [-1, -1]])


def test_images_and_codes_are_float32_in_mixed_precision():
    made = networks_and_names(
        2, 1.0, style_dim=8, latent_dim=4, dtype="mixed_bfloat16", **TINY
    )
    for name, (network, _) in made.items():
        inputs = random_inputs(name, np.random.default_rng(5))
        inputs[1] = inputs[1] % 2 if name != "generator" else inputs[1]
        assert network(inputs).dtype == "float32", name


def test_initial_weights_are_he_normal_by_fan_in():
    network = MappingNetwork(4, latent_dim=16, style_dim=8, hidden_dim=128)
    for layer, fan_in in (("shared0", 16), ("shared1", 128), ("domain0", 128)):
        kernel = network.get_layer(layer).kernel
        expected = (2 / fan_in) ** 0.5
        np.testing.assert_allclose(np.std(kernel), expected, rtol=0.1, err_msg=layer)


@pytest.mark.parametrize("image_size", [0, 8, 48, 100])
def test_sizes_that_cannot_be_halved_are_an_error(image_size):
    for make in (Generator, StyleEncoder, Discriminator):
        with pytest.raises(ValueError, match=f"power of two.* received {image_size}"):
            make(image_size, 2)


def test_a_generator_with_a_filter_needs_masks(tiny):
    network, _ = tiny["generator"]
    inputs = random_inputs("generator", np.random.default_rng(6))
    with pytest.raises(ValueError, match="needs images, styles and masks; received 2"):
        network(inputs[:2])


def stub_losses(masks=None, make_masks=None):
    """Losses with networks of one number; and a gradient of each for the style."""

    def generator(inputs):
        images, styles = inputs[:2]
        return images + styles[:, None, None, :]

    def style_encoder(inputs):
        images, domains = inputs
        return 2.0 * images[:, 0, 0, :] + ops.cast(domains, "float32")[:, None]

    def discriminator(inputs):
        images, domains = inputs
        return images[:, 0, 0, 0] * (1.0 + ops.cast(domains, "float32"))

    def losses(styles):
        return generator_losses(
            generator,
            style_encoder,
            discriminator,
            ops.full((1, 2, 2, 3), 0.5),
            ops.array([0]),
            ops.array([1]),
            styles,
            2.0 * styles,
            masks,
            make_masks,
        )

    styles = ops.full((1, 3), 0.25)
    gradients = {
        term: input_gradient(lambda s, term=term: losses(s)[term], styles)
        for term in ("adv", "sty", "ds", "cyc")
    }
    return losses(styles), gradients


def test_the_generators_terms_are_those_of_the_paper():
    losses, _ = stub_losses()
    expected = {
        # D of domain 1 doubles the translation, 0.75.
        "adv": math.log1p(math.exp(-1.5)),
        # E of domain 1 gives 2.5 for it.
        "sty": 2.25,
        "ds": 0.25,
        # E of domain 0 gives 1 for the source, and G adds it.
        "cyc": 1.25,
    }
    assert {term: float(value) for term, value in losses.items()} == pytest.approx(
        expected
    )


def test_diversity_moves_the_first_image_only():
    _, gradients = stub_losses()
    # With both, one of three equal entries of the mean would give 1/3.
    np.testing.assert_allclose(gradients["ds"], np.full((1, 3), -1 / 3), rtol=1e-5)


def test_masks_of_the_way_back_are_of_the_translation():
    seen = []

    def make_masks(images):
        seen.append(float(images[0, 0, 0, 0]))
        return images

    stub_losses(ops.ones((1, 2, 2, 2)), make_masks)
    assert set(seen) == {0.75}
