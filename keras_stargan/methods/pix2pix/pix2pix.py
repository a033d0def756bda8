"""pix2pix (Isola et al., CVPR 2017, arXiv:1611.07004)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from keras_stargan.labels import LabelSet, LabelSpace
from keras_stargan.losses import l1_loss, named_adversarial_loss
from keras_stargan.methods.base import TranslationModel
from keras_stargan.methods.checks import two_domains
from keras_stargan.methods.pix2pix.published import halvings
from keras_stargan.networks import PatchDiscriminator, UNetGenerator
from keras_stargan.networks.batch_normalization import statistics_kept
from keras_stargan.networks.batches import translate_rows
from keras_stargan.training import Adam, Update, constant_then_falling, num_rows

if TYPE_CHECKING:
    from keras_stargan.training.randomness import Draws


@keras.saving.register_keras_serializable("keras_stargan")
class Pix2Pix(TranslationModel):
    """A generator that translates from domain A to B, trained on pairs of images.

    The discriminator sees an image of A beside its partner of B, or beside its
    translation, which also has to be near the partner (pix2pix, section 3). The other
    direction is a model of its own, trained with `--select=B,A`.

    The published program translates as it trains: one image at a time, each normalized
    by its own statistics, and with random dropout, so that no translation comes twice.
    Here a translation is the same each time, and does not depend on the other images
    of its batch: there is no dropout in use, and `statistics_at_use` says how images
    are normalized. "image" is nearest to the published default, after training with
    batches of 1; "running" is the published program's option `--eval`.

    Args:
        image_size: height and width of the images in pixels, a multiple of
            `2**num_halvings`. Defaults to 256.
        labels: the two domains, a categorical `LabelSet` of two names: the first is
            A, the second is B. Defaults to the names "A" and "B".
        num_filters: channels of the generator's first layer. Defaults to 64.
        num_halvings: how often the generator halves its images, 5 or more. None: as
            often as the size allows, up to 8. Defaults to None.
        num_discriminator_filters: channels of the discriminator's first layer. None:
            as many as the generator's. Defaults to None.
        num_discriminator_layers: layers of the discriminator that halve the size; with
            3, it judges patches of 70x70 pixels, with 0 single pixels. Defaults to 3.
        lambda_l1: weight of the distance between a translation and its true answer.
            Defaults to 100.
        adversarial: the adversarial loss: vanilla (cross entropy), lsgan (least
            squares) or wgangp (Wasserstein; as in the published code, without a
            gradient penalty). Defaults to "vanilla".
        statistics_at_use: what normalizes an image in use: image (its own statistics)
            or running (averages over training). Defaults to "image".
        seed: of every random draw in training. Defaults to 0.
        **kwargs: as for `keras.Model`.

    Raises:
        ValueError: for a size that the networks cannot take, labels that are not two
            domains, an unknown adversarial loss, or other `statistics_at_use`.
    """

    batches = "paired"
    crosses_replicas = True

    def __init__(
        self,
        image_size: int = 256,
        labels: LabelSet | LabelSpace | None = None,
        num_filters: int = 64,
        num_halvings: int | None = None,
        num_discriminator_filters: int | None = None,
        num_discriminator_layers: int = 3,
        lambda_l1: float = 100.0,
        adversarial: str = "vanilla",
        statistics_at_use: str = "image",
        seed: int = 0,
        **kwargs,
    ) -> None:
        if statistics_at_use not in ("image", "running"):
            raise ValueError(
                "statistics_at_use must be image or running; received "
                f"{statistics_at_use!r}."
            )
        depth = halvings(image_size, num_halvings)
        super().__init__(image_size, two_domains(labels), 2, seed=seed, **kwargs)
        self.num_filters = num_filters
        self.num_halvings = num_halvings
        self.num_discriminator_filters = num_discriminator_filters
        self.num_discriminator_layers = num_discriminator_layers
        self.lambda_l1 = lambda_l1
        self.adversarial = adversarial
        self.statistics_at_use = statistics_at_use
        self._adversarial_loss = named_adversarial_loss(adversarial)
        options = {"name": "generator", "dtype": self.dtype_policy}
        self.generator = UNetGenerator(image_size, num_filters, depth, **options)
        options |= {"name": "discriminator", "pixels": num_discriminator_layers == 0}
        width = num_discriminator_filters or num_filters
        sizes = (image_size, width, num_discriminator_layers, 6, "batch")
        self.discriminator = PatchDiscriminator(*sizes, **options)
        self.built = True

    @property
    def reachable(self) -> tuple[str, ...]:
        """The second domain: there is one direction."""
        return self.labels.names[1:]

    # Training.

    def make_optimizers(self, learning_rate: float = 2e-4) -> dict[str, Adam]:
        """The published optimizer of each network: beta1 0.5, beta2 0.999.

        Args:
            learning_rate: learning rate of both networks.
        """
        return {name: Adam(learning_rate) for name in ("generator", "discriminator")}

    def learning_rate_factor(
        self, step: int, total_steps: int, steps_per_epoch: int
    ) -> float:
        """1 in the first half of the epochs, then less in each, down to nearly 0."""
        return constant_then_falling(step, total_steps, steps_per_epoch)

    @property
    def updates(self) -> tuple[Update, ...]:
        """The discriminator, then the generator on the new discriminator's judgment."""
        halves = {"fake": 0.5, "real": 0.5}
        weights = {"adversarial": 1.0, "l1": self.lambda_l1}
        return (
            Update("D", self._judgments, halves, ("discriminator",)),
            Update("G", self._generator_losses, weights, ("generator",)),
        )

    def draw(self, draws: Draws, batch: dict[str, Any]) -> dict[str, Any]:
        """Which values the generator's dropout keeps: each with probability 1/2."""
        count = num_rows(batch)
        shapes = enumerate(self.generator.dropout_shapes)
        named = ((f"kept_{i}", (count, *shape)) for i, shape in shapes)
        return {name: draws.uniform(name, shape) >= 0.5 for name, shape in named}

    def _translated(self, batch, draws):
        kept = [draws[f"kept_{i}"] for i in range(len(self.generator.dropout_shapes))]
        return self.generator(batch["images_a"], training=True, kept=kept)

    def _judge(self, batch, answers, real):
        pairs = ops.concatenate([batch["images_a"], answers], axis=-1)
        return self._adversarial_loss(self.discriminator(pairs, training=True), real)

    def _judgments(self, batch, draws):
        # In this order, the discriminator's running averages move as published.
        fake = self._judge(batch, self._translated(batch, draws), real=False)
        return {"fake": fake, "real": self._judge(batch, batch["images_b"], real=True)}

    def _generator_losses(self, batch, draws):
        # The discriminator saw these translations, which moved the running averages.
        with statistics_kept():
            translated = self._translated(batch, draws)
        return {
            "adversarial": self._judge(batch, translated, real=True),
            "l1": l1_loss(translated, batch["images_b"]),
        }

    # Use.

    def label_conditions(self, targets: Any, own: Any) -> Any:
        """The target domain, one-hot: whether an image is to be translated."""
        return targets

    def translate_batch(self, images: Any, conditions: Any) -> Any:
        """Translates the images whose target is B; those of A stay as they are."""

        def generator(images):
            return self.generator(images, per_image=self.statistics_at_use == "image")

        images = ops.cast(images, self.float_dtype)
        return translate_rows(generator, images, conditions[:, 1] > 0.5)
