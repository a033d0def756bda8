"""IcGAN (Perarnau et al., NIPS 2016 workshop, arXiv:1611.06355)."""

import sys
from typing import Any

import keras
from keras import ops

from keras_stargan.labels import LabelSet, LabelSpace, numbered_labels
from keras_stargan.methods.base import TranslationModel
from keras_stargan.methods.checks import one_data_set
from keras_stargan.methods.icgan import networks, published
from keras_stargan.networks.batch_normalization import statistics_kept
from keras_stargan.training import Adam, Update
from keras_stargan.training.randomness import Draws


@keras.saving.register_keras_serializable("keras_stargan")
class IcGAN(TranslationModel):
    """A GAN conditioned on labels, and two encoders that invert it.

    A translation is G(E_z(x), y): the code that E_z finds in an image, decoded with
    other labels. Training has three stages: the GAN; steps that estimate the running
    statistics of G again; the encoders, E_z on generated images and E_y on real ones.
    An image is reduced to a code and labels, so much of a person's identity is lost.

    The published program draws wrong and fake labels from all training images, not from
    the batch. It makes the images for E_z once, not in each step. It estimates the
    statistics in batches of 256, and E_y sees 66 % of the images, without flips.

    Args:
        image_size: height and width in pixels, a power of two. Defaults to 128.
        labels: the labels of one data set: binary, or two or more categorical ones.
            Defaults to eight categorical ones, named by their numbers.
        code_dim: entries of a code z. Defaults to 100.
        num_filters: channels of G's last hidden layer and D's first. Defaults to 64.
        num_encoder_filters: channels of both encoders' first layers. Defaults to 32.
        code_units: units of the hidden dense layer of E_z. 0: as many as its inputs,
            which are 4096 at the published 64 px. Defaults to 4096.
        label_units: the same of E_y. Defaults to 512.
        gan_steps: steps of the first stage. Defaults to 71350.
        statistics_steps: steps of the second stage. Defaults to 100.
        seed: of every random draw in training. Defaults to 0.
        **kwargs: as for `keras.Model`.

    Raises:
        ValueError: for an impossible size or length, or other labels.
    """

    crosses_replicas = True

    def __init__(
        self,
        image_size: int = 128,
        labels: LabelSet | LabelSpace | None = None,
        code_dim: int = 100,
        num_filters: int = 64,
        num_encoder_filters: int = 32,
        code_units: int = 4096,
        label_units: int = 512,
        gan_steps: int = 71350,
        statistics_steps: int = 100,
        seed: int = 0,
        **kwargs,
    ) -> None:
        published.check_settings(locals())
        labels = one_data_set(numbered_labels(8) if labels is None else labels)
        super().__init__(image_size, labels, labels.size, seed=seed, **kwargs)
        self.code_dim, self.num_filters = code_dim, num_filters
        self.num_encoder_filters = num_encoder_filters
        self.code_units, self.label_units = code_units, label_units
        self.gan_steps, self.statistics_steps = gan_steps, statistics_steps
        count, width = labels.size, num_encoder_filters
        for name, make, *sizes in (
            ("generator", networks.generator, code_dim, count, num_filters),
            ("discriminator", networks.discriminator, count, num_filters),
            ("encoder_z", networks.encoder, code_dim, code_units, width),
            ("encoder_y", networks.encoder, count, label_units, width),
        ):
            network = make(image_size, *sizes, name=name, dtype=self.dtype_policy)
            setattr(self, name, network)
        self.built = True

    def make_optimizers(
        self, learning_rate: float = 2e-4, encoder_learning_rate: float = 1e-4
    ) -> dict[str, Adam]:
        """The published optimizers, with Torch 7's epsilon.

        Args:
            learning_rate: learning rate of the generator and the discriminator.
            encoder_learning_rate: learning rate of both encoders.
        """
        gan, encoder = (learning_rate, 0.5), (encoder_learning_rate, 0.1)
        chosen = {"generator": gan, "discriminator": gan}
        chosen |= {"encoder_z": encoder, "encoder_y": encoder}
        return {name: Adam(*x, corrects_epsilon=False) for name, x in chosen.items()}

    @property
    def updates(self) -> tuple[Update, ...]:
        """Discriminator and generator; then the statistics; then both encoders."""
        first, last = self.gan_steps, self.gan_steps + self.statistics_steps
        gan, middle, rest = range(first), range(first, last), range(last, sys.maxsize)
        judged = {"real": 1.0, "wrong": 0.5, "fake": 0.5}
        return (
            Update("D", self._judge, judged, ("discriminator",), steps=gan),
            Update("G", self._deceive, {"adv": 1.0}, ("generator",), steps=gan),
            Update("statistics", self._estimate, {"difference": 1.0}, (), steps=middle),
            Update("E_z", self._find_code, {"mse": 1.0}, ("encoder_z",), steps=rest),
            Update("E_y", self._find_labels, {"mse": 1.0}, ("encoder_y",), steps=rest),
        )

    def prepare(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Labels become -1 and 1."""
        batch = super().prepare(batch)
        return batch | {"labels": 2.0 * batch["labels"] - 1.0}

    def draw(self, draws: Draws, batch: dict[str, Any]) -> dict[str, Any]:
        """Codes, labels for them, and for each image the labels of a different one."""
        labels, count = batch["labels"], ops.shape(batch["labels"])[0]
        order = draws.permutation("fake_labels", count)
        differ = ops.any(labels[:, None] != labels[None], axis=-1)
        chances = draws.uniform("wrong_labels", (count, count))
        others = ops.argmax(ops.where(differ, chances, -1.0), axis=1)
        wrong = ops.take(labels, others, axis=0)
        return {
            "codes": draws.normal("codes", (count, self.code_dim)),
            "fake_labels": ops.take(labels, order, axis=0),
            # If the whole batch has the same labels, their opposite is wrong.
            "wrong_labels": ops.where(ops.any(differ, 1)[:, None], wrong, -labels),
        }

    def _make(self, draws, training):
        return self.generator([draws["codes"], draws["fake_labels"]], training=training)

    def _entropy(self, images, labels, is_real):
        """The cross entropy of the discriminator's probability."""
        found = self.discriminator([images, labels], training=True)
        return -ops.mean(ops.log((found if is_real else 1.0 - found) + 1e-12))

    def _judge(self, batch, draws):
        # Three passes: each is normalized by statistics of its own.
        images, made = batch["images"], self._make(draws, training=True)
        return {
            "real": self._entropy(images, batch["labels"], is_real=True),
            "wrong": self._entropy(images, draws["wrong_labels"], is_real=False),
            "fake": self._entropy(made, draws["fake_labels"], is_real=False),
        }

    def _deceive(self, batch, draws):
        with statistics_kept():  # The discriminator's update made the same images.
            made = self._make(draws, training=True)
        return {"adv": self._entropy(made, draws["fake_labels"], is_real=True)}

    def _estimate(self, batch, draws):
        """How far images in use still are from those in training."""
        made, used = self._make(draws, training=True), self._make(draws, training=False)
        return {"difference": ops.mean(ops.abs(made - used))}

    def _find_code(self, batch, draws):
        found = self.encoder_z(self._make(draws, training=False), training=True)
        return {"mse": ops.mean(ops.square(found - draws["codes"]))}

    def _find_labels(self, batch, draws):
        found = self.encoder_y(batch["images"], training=True)
        return {"mse": ops.mean(ops.square(found - batch["labels"]))}

    def translate_batch(self, images: Any, conditions: Any) -> Any:
        """Decodes the code of each image with other labels."""
        return self.generator([self.encoder_z(images), conditions])

    def label_conditions(self, targets: Any, own: Any) -> Any:
        """The target labels as -1 and 1."""
        return 2.0 * targets - 1.0

    @property
    def can_classify(self) -> bool:
        """E_y tells which labels an image has."""
        return True

    def classify_batch(self, images: Any) -> Any:
        """The labels that E_y finds, about -1 and 1."""
        return self.encoder_y(images)
