"""CoGAN (Liu and Tuzel, NIPS 2016, arXiv:1606.07536)."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_stargan.labels import LabelSet, LabelSpace
from keras_stargan.losses import adversarial_loss, classification_losses
from keras_stargan.methods.base import TranslationModel
from keras_stargan.methods.checks import two_domains
from keras_stargan.methods.cogan import networks, published
from keras_stargan.networks.batches import in_batches
from keras_stargan.training import Adam, Update, input_gradient, num_rows


@keras.saving.register_keras_serializable("keras_stargan")
class CoGAN(TranslationModel):
    """Two generators that share most layers make pairs of images, trained without any.

    An image is translated by inversion: gradient steps look for the latent of which its
    own domain's generator makes it; of that, the other makes the translation (CoGAN,
    section 5). Training normalizes by the batch's statistics, use by their running
    averages, so that a translation depends on no other image.

    Args:
        image_size: height and width of the images in pixels: 28, as published, or a
            power of two from 16 on. Defaults to 28.
        labels: the two domains, A and B. Defaults to the names "A" and "B".
        latent_dim: entries of a latent. Defaults to 100.
        num_filters: channels of the generator's first layer. Defaults to 1024.
        num_discriminator_filters: those of the discriminator. Defaults to 20.
        num_channels: 3; or 1, as published, for gray images. Defaults to 3.
        num_classes: classes of A's images that are learned too, for domain adaptation;
            batches then need them as `labels_a`. Defaults to 0.
        lambda_mse: with classes, weight of the squared distance between the features of
            a pair's images. Defaults to 0.01.
        lambda_classification: with classes, weight of their loss. Defaults to 10.
        inversion_steps: gradient steps that look for a latent. Defaults to 300.
        inversion_rate: size of the first of these steps; it falls. Defaults to 0.1.
        seed: of every random draw in training. Defaults to 0.
        **kwargs: as for `keras.Model`.

    Raises:
        ValueError: for labels that are not two domains, or an impossible number.
    """

    batches = "unpaired"
    crosses_replicas = True

    def __init__(
        self,
        image_size: int = 28,
        labels: LabelSet | LabelSpace | None = None,
        latent_dim: int = 100,
        num_filters: int = 1024,
        num_discriminator_filters: int = 20,
        num_channels: int = 3,
        num_classes: int = 0,
        lambda_mse: float = 0.01,
        lambda_classification: float = 10.0,
        inversion_steps: int = 300,
        inversion_rate: float = 0.1,
        seed: int = 0,
        **kwargs,
    ) -> None:
        published.check_settings(given := locals())
        super().__init__(image_size, two_domains(labels), 2, seed=seed, **kwargs)
        for name in published.LEAST:
            setattr(self, name, given[name])
        sizes, dtype = (latent_dim, num_filters, num_channels), self.dtype_policy
        self.generator = networks.PairGenerator(image_size, *sizes, dtype=dtype)
        sizes = (num_discriminator_filters, num_channels, num_classes)
        self.discriminator = networks.PairDiscriminator(image_size, *sizes, dtype=dtype)
        self.built = True

    # Training.

    def make_optimizers(self, learning_rate: float = 2e-4) -> dict[str, Adam]:
        """The published ones; all weights decay, biases and slopes too.

        Args:
            learning_rate: learning rate of both networks.
        """
        kwargs = {"learning_rate": learning_rate, "coupled_weight_decay": 5e-4}
        return {name: Adam(**kwargs) for name in ("discriminator", "generator")}

    @property
    def updates(self) -> tuple[Update, ...]:
        """The discriminator; then the generator, on other latents."""
        weights = {"real": 1.0, "fake": 1.0, "accuracy": 0.0}
        if self.num_classes:
            weights |= {"mse": self.lambda_mse}
            weights |= {"classification": self.lambda_classification}
        update = Update("D", self._discriminator_losses, weights, ("discriminator",))
        return update, Update("G", self._generator_loss, {"fake": 1.0}, ("generator",))

    def draw(self, draws: Any, batch: dict[str, Any]) -> dict[str, Any]:
        """The latents of each update."""
        shape = (num_rows(batch), self.latent_dim)
        return {name: draws.normal(name, shape) for name in ("z_dis", "z_gen")}

    def check_batch(self, batch: dict[str, Any]) -> None:
        """Raises `ValueError` unless a batch has two domains, and classes if needed."""
        if self.num_classes:
            labels, classes = np.asarray(batch.get("labels_a")), range(self.num_classes)
            shape = np.shape(batch.get("images_a"))[:1]
            if labels.shape != shape or not np.isin(labels, classes).all():
                needed = f"labels_a must be numbers from {classes}, one for each image"
                raise ValueError(f"{needed} in images_a; received {labels}.")
            batch = {name: x for name, x in batch.items() if name != "labels_a"}
        super().check_batch(batch)

    def _judged(self, pair, real):
        """The loss of a pair's images, how many are judged rightly, and the rest."""
        logits, *rest = self.discriminator(pair)
        margins = logits[:, 1] - logits[:, 0]  # Their sigmoid is the softmax of both.
        right = ops.mean(ops.cast((margins > 0) == real, self.float_dtype))
        return adversarial_loss(margins, real), right, *rest

    def _discriminator_losses(self, batch, draws):
        made = self.generator(draws["z_dis"], training=True)
        images = [self._inner(batch[f"images_{x}"]) for x in "ab"]
        real, right_real, _, logits = self._judged(images, True)
        fake, right_fake, (a, b), _ = self._judged(made, False)
        terms = {"real": real, "fake": fake, "accuracy": (right_real + right_fake) / 2}
        if self.num_classes:
            terms["mse"] = ops.mean(ops.sum(ops.square(a - b), axis=(1, 2, 3)))
            labels = ops.one_hot(ops.cast(batch["labels_a"], "int32"), self.num_classes)
            known = logits[0][: ops.shape(labels)[0]]
            losses = classification_losses(labels, known, "categorical")
            terms["classification"] = ops.mean(losses)
        return terms

    def _generator_loss(self, batch, draws):
        # The running averages move here too: twice in a step, as published.
        made = self.generator(draws["z_gen"], training=True)
        return {"fake": self._judged(made, True)[0]}

    # Use. The networks' images run from 0 to 1; all others from -1 to 1, in color.

    def _inner(self, images):
        images = (ops.cast(images, self.float_dtype) + 1.0) / 2.0
        return images if self.num_channels == 3 else ops.mean(images, -1, keepdims=True)

    def _outer(self, images):
        return ops.repeat(2.0 * images - 1.0, 3 // self.num_channels, axis=-1)

    def label_conditions(self, targets: Any, own: Any) -> Any:
        """The target domain, one-hot."""
        return targets

    def translate_batch(self, images: Any, conditions: Any) -> Any:
        """Translates each image from the domain that is not its target."""
        to_b, steps = conditions[:, 1, None, None, None] > 0.5, self.inversion_steps
        images = self._inner(images)

        def distances(latents):
            made = ops.where(to_b, *self.generator(latents))
            return ops.sum(ops.square(made - images), axis=(1, 2, 3))

        def step(i, state):
            """A step like Adam's, which treats each entry by itself."""
            latents, mean, square = state
            gradient = input_gradient(distances, latents)
            mean = 0.9 * mean + 0.1 * gradient
            square = 0.9 * square + 0.1 * ops.square(gradient)
            rate = self.inversion_rate * (1.0 - ops.cast(i, mean.dtype) / steps)
            return latents - rate * mean / (ops.sqrt(square) + 1e-8), mean, square

        zeros = ops.zeros((ops.shape(images)[0], self.latent_dim), self.float_dtype)
        latents, *_ = ops.fori_loop(0, steps, step, (zeros,) * 3)
        return self._outer(ops.where(to_b, *self.generator(latents)[::-1]))

    def sample_pairs(self, latents: Any) -> np.ndarray:
        """A's and B's images `(n, 2, size, size, 3)` of latents `(n, latent_dim)`."""

        def pairs(z):
            return ops.stack([self._outer(x) for x in self.generator(z)], axis=1)

        return in_batches(pairs, 32, np.asarray(latents, self.float_dtype))
