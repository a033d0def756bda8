"""DRIT and MSGAN as in their golden files (see tests/golden/README.md)."""

import re
import zlib

import golden_inputs
import numpy as np
import tensorflow as tf

from keras_stargan.files.pytorch import assign_weights, state_dict, weight_shapes
from keras_stargan.methods.msgan.published import network_names
from keras_stargan.training import Adam

SIZE, CHANNELS, BATCHES = 216, 8, 12
# Their weights are an eighth of the rule's, or tanh would saturate.
DAMPED = re.compile(r"(fc_.|fcVar_.|model_.\.16|dec.4|dec.5\.2)(\.0)?\.weight$")
# What the published program calls our losses, and their weights.
LOSSES = {
    "content_step_disContent": {"D_content/content_a": 1, "D_content/content_b": 1},
    "disContent": {"D_content/content_a": 1, "D_content/content_b": 1},
    "G": {"G/loss": 1},
}
for _x, _y in (("a", "b"), ("b", "a")):
    _X = _x.upper()
    LOSSES |= {
        f"dis{_X}": {f"D/real_{_x}": 1, f"D/fake_{_x}": 1},
        f"dis{_X}2": {f"D/random_real_{_x}": 1, f"D/random_fake_{_x}": 1},
        f"gan_{_x}": {f"G/adversarial_{_x}": 1},
        f"gan_{_x}content": {f"G/content_{_x}": 1},
        f"kl_za_{_x}": {f"G/kl_{_x}": 0.01},
        f"kl_zc_{_x}": {f"G/content_size_{_x}": 0.01},
        f"l1_recon_{_X}": {f"G/cycle_{_x}": 10},
        f"l1_recon_{_X}{_X}": {f"G/reconstruction_{_x}": 10},
        f"l1_recon_z_{_x}": {f"G_random/latent_{_x}": 10},
        f"gan2_{_x}": {f"G_random/adversarial_{_x}": 1},
        f"lz_{_X}{_y.upper()}": {f"G_random/mode_seeking_{_y}": 1},
    }


def drawn(name, shape):
    return np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape)


def golden_draws(half):
    """Every random number of every step, by the names of the model's `draw`."""
    side, latent = SIZE // 4, 8
    shapes = {
        f"noise_{k}_{x}": (half, CHANNELS, side, side)
        for k in ("content", "recon")
        for x in "ab"
    }
    shapes |= {f"{k}_{x}": (half, latent) for k in ("eps", "eps_recon") for x in "ab"}
    shapes |= {name: (half, latent) for name in ("z_random", "z_random2")}
    return {
        name: np.stack(
            [channels_last(drawn(f"draw/{i}/{name}", shape)) for i in range(BATCHES)]
        )
        for name, shape in shapes.items()
    }


def channels_last(values):
    return np.moveaxis(values, 1, -1)


def channels_first(values):
    return np.moveaxis(np.asarray(values), -1, 1)


class Golden:
    """A golden file, and a model that is trained as the published one was.

    Args:
        name: the file's.
        seed: of the images.
        cls: the model's class.
        batch_size: images of each domain in a batch.
        **settings: the model's.
    """

    def __init__(self, name, seed, cls, batch_size=2, **settings):
        self.figures = np.load(golden_inputs.FOLDER / f"{name}.npz")
        half = batch_size // 2
        draws = golden_draws(half)

        class WithGoldenDraws(cls):
            def draw(self, drawn, batch):
                names = super().draw(drawn, batch)
                return {n: tf.gather(draws[n], self.step.value) for n in names}

        self.model = WithGoldenDraws(SIZE, num_filters=2, dtype="float64", **settings)
        rng, batches = np.random.RandomState(seed), {}
        for _ in range(BATCHES):
            for x in "ab":
                images = golden_inputs.images(rng, batch_size, SIZE, "float64")
                batches.setdefault(f"images_{x}", []).append(images[:half])
                batches.setdefault(f"random_{x}", []).append(images[half:])
        self.batches = {n: np.stack(images) for n, images in batches.items()}
        self.set_weights()
        self.forwards = self._forwards()
        self.set_weights()
        self._train()

    def set_weights(self):
        for network, names in network_names(self.model).items():
            for place, layer in names.items():
                if hasattr(layer, "u"):
                    self._set_spectral(f"{network}/{place}", layer)
                    continue
                entries = {}
                for key, shape in weight_shapes({place: layer}).items():
                    value = golden_inputs.weight(f"{network}/{key}", shape)
                    damped = network in ("enc_a", "gen") and DAMPED.match(key)
                    entries[key] = value / 8 if damped else value
                assign_weights({place: layer}, entries)

    @staticmethod
    def _set_spectral(place, layer):
        shape = np.transpose(layer.kernel, (3, 2, 0, 1)).shape
        kernel = golden_inputs.weight(f"{place}.weight_orig", shape)
        layer.kernel.assign(golden_inputs.from_pytorch(kernel))
        layer.u.assign(golden_inputs.weight(f"{place}.weight_u", layer.u.shape))
        layer.bias.assign(golden_inputs.weight(f"{place}.bias", layer.bias.shape))

    def _forwards(self):
        """Outputs of the untrained networks, by their names in the file."""
        model, z, found = self.model, drawn("draw/forward/z", (2, 8)), {}
        pairs = {
            x: np.concatenate(
                [self.batches[f"{k}_{x}"][0] for k in ("images", "random")]
            )[:2]
            for x in "ab"
        }
        for x, target in (("a", "B"), ("b", "A")):
            images, domain = pairs[x], {"domain": x}
            content = model.content_encoder(images, **domain)
            found[f"content_{x}"] = channels_first(content)[..., ::6, ::6]
            attributes = model.attribute_encoder(images, **domain)
            names = ("mu", "logvar") if len(attributes) == 2 else ("attr",)
            found |= {f"{n}_{x}": v for n, v in zip(names, attributes, strict=True)}
            translated = channels_first(model.translate(images, target, latents=z))
            found[f"{x}_to_{target.lower()}"] = translated[..., ::8, ::8]
            logits = model.content_discriminator(content)
            found[f"disContent_{x}"] = np.ravel(logits)
            for kind, number in (("", ""), ("random_", "2")):
                judge = getattr(model, f"{kind}discriminator_{x}")
                for i, scores in enumerate(judge(images, training=True)):
                    name = f"dis{x.upper()}{number}_{i}"
                    scores = channels_first(scores)
                    shape = self.figures[f"forward {name}"].shape
                    found[name] = scores.reshape(shape)
        return found

    def _train(self):
        model, self.norms = self.model, []
        norms = self.norms

        class Recording(Adam):
            """Keeps the norm of each step's gradient, before it is clipped."""

            def _all_reduce_sum_gradients(self, pairs):
                norms.append(float(tf.linalg.global_norm([g for g, _ in pairs])))
                return super()._all_reduce_sum_gradients(pairs)

        published = model.make_optimizers()["content_discriminator"]
        recording = Recording.from_config(published.get_config())
        # To trace the graphs would take longer than the steps.
        model.compile(content_discriminator_optimizer=recording, run_eagerly=True)
        history = model.fit(
            tf.data.Dataset.from_tensor_slices(self.batches),
            # An epoch of one step, so that the history has every step's own losses.
            epochs=BATCHES,
            steps_per_epoch=1,
            verbose=0,
        )
        self.history = {k: np.array(v) for k, v in history.history.items()}

    def loss(self, name):
        """A loss of the steps in which the published program logs it."""
        total = sum(w * self.history[k] for k, w in LOSSES[name].items())
        full = np.arange(BATCHES) % 3 == 2
        return total[~full] if name.startswith("content_step") else total[full]

    def published_losses(self):
        """The published losses by their names, without those of no model here."""
        found = {}
        for key in self.figures:
            if key.startswith("loss ") and key.count("norm") == 0:
                name = key.removeprefix("loss ").replace("_loss", "")
                found[name] = self.figures[key]
        return found

    def weights(self):
        """Every weight by its published name, in PyTorch's layout."""
        found = {}
        for network, names in network_names(self.model).items():
            for place, layer in names.items():
                if hasattr(layer, "u"):
                    kernel = np.transpose(layer.kernel, (3, 2, 0, 1))
                    found[f"{network}/{place}.weight_orig"] = kernel
                    found[f"{network}/{place}.weight_u"] = np.array(layer.u)
                    found[f"{network}/{place}.bias"] = np.array(layer.bias)
                else:
                    state = state_dict({place: layer})
                    found |= {f"{network}/{key}": x for key, x in state.items()}
        return found


def assert_forwards_agree(golden):
    prefix = "forward "
    published = {
        k[len(prefix) :]: v for k, v in golden.figures.items() if k.startswith(prefix)
    }
    assert set(published) == set(golden.forwards)
    for name, expected in published.items():
        found = golden.forwards[name]
        np.testing.assert_allclose(found, expected, 1e-9, 1e-12, err_msg=name)


def assert_losses_agree(golden):
    for name, expected in golden.published_losses().items():
        np.testing.assert_allclose(golden.loss(name), expected, 1e-9, err_msg=name)
    norms = golden.figures["loss disContent_gradient_norm"]
    np.testing.assert_allclose(golden.norms, norms, 1e-9)


def assert_weights_agree(golden):
    weights, squares = golden.weights(), {}
    for name, value in weights.items():
        if f"final {name}" in golden.figures:
            expected = golden.figures[f"final {name}"]
            np.testing.assert_allclose(value, expected, 1e-7, 1e-7, err_msg=name)
        if not name.endswith("weight_u"):
            network = name.split("/")[0]
            squares[network] = squares.get(network, 0.0) + np.sum(value**2)
    assert {k[6:] for k in golden.figures if k.startswith("final ")} <= set(weights)
    for network, found in squares.items():
        expected = golden.figures[f"squares {network}"]
        np.testing.assert_allclose(found, expected, 1e-9, err_msg=network)
