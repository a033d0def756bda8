"""StarGAN (Choi et al., CVPR 2018, arXiv:1711.09020)."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from keras_stargan.labels import LabelSet, LabelSpace, numbered_labels
from keras_stargan.losses import classification_loss
from keras_stargan.methods.base import TranslationModel
from keras_stargan.methods.stargan.losses import discriminator_losses, generator_losses
from keras_stargan.methods.stargan.networks import Discriminator, Generator
from keras_stargan.training import Adam, Update, constant_then_linear, input_gradient

if TYPE_CHECKING:
    from keras_stargan.training.randomness import Draws


@keras.saving.register_keras_serializable("keras_stargan")
class StarGAN(TranslationModel):
    """One generator that translates images between all domains of its data sets.

    The discriminator tells real from translated images and classifies their
    domain; the generator is given the target label, has to be classified as it,
    and has to lead back to the original (StarGAN, section 3). Trained as WGAN
    with gradient penalty. `fit` takes batches of (images, labels); with several data
    sets, batches of each in turn with their unified labels (section 3.2), as
    `keras_stargan.data.alternating_dataset` gives.

    Args:
        image_size: height and width of the images in pixels, a multiple of 4 and
            of `2**num_discriminator_layers`. Defaults to 128.
        num_labels: number of categorical labels, with the names "0", "1", ...;
            short for `labels`. Defaults to 8.
        labels: what the labels mean: a `LabelSet`, or for several data sets a
            `LabelSpace`. Saved with the model.
        conv_dim: channels of both networks' first layers. Defaults to 64.
        num_residual_blocks: of the generator. Defaults to 6.
        num_discriminator_layers: of the discriminator. Defaults to 6.
        lambda_cls: weight of the classification loss. Defaults to 1.
        lambda_rec: weight of the reconstruction loss. Defaults to 10.
        lambda_gp: weight of the gradient penalty. Defaults to 10.
        gp_every: the gradient penalty is computed on each `gp_every`-th step only, with
            that many times its weight. Defaults to 1, as published.
        n_critic: updates of the discriminator for each one of the generator.
            Defaults to 5. With n data sets, the generator is updated by n batches in
            a row, one of each set, after `n_critic - 1` such rows without.
        seed: of every random draw in training. Defaults to 0.
        **kwargs: as for `keras.Model`.

    Raises:
        ValueError: for a size that cannot be halved often enough, fewer than one
            label, both `num_labels` and other `labels`, or an `n_critic` or `gp_every`
            below 1.

    Example:
        ```python
        model = keras_stargan.StarGAN(image_size=128, num_labels=8)
        model.compile()
        model.fit(dataset, epochs=10)
        translated = model.translate(images, "happy")
        ```
    """

    guides = ("label",)
    batches = "labelled"
    can_recompute = True
    size_multiple = 4  # The generator halves its images twice.

    def __init__(
        self,
        image_size: int = 128,
        num_labels: int | None = None,
        labels: LabelSet | LabelSpace | None = None,
        conv_dim: int = 64,
        num_residual_blocks: int = 6,
        num_discriminator_layers: int = 6,
        lambda_cls: float = 1.0,
        lambda_rec: float = 10.0,
        lambda_gp: float = 10.0,
        n_critic: int = 5,
        gp_every: int = 1,
        seed: int = 0,
        **kwargs,
    ) -> None:
        labels = _label_space(num_labels, labels)
        if n_critic < 1:
            raise ValueError(f"n_critic must be at least 1; received {n_critic}.")
        if gp_every < 1:
            raise ValueError(f"gp_every must be at least 1; received {gp_every}.")
        super().__init__(image_size, labels, labels.size, seed=seed, **kwargs)
        self.num_labels = None  # `labels` says it.
        self.conv_dim = conv_dim
        self.num_residual_blocks = num_residual_blocks
        self.num_discriminator_layers = num_discriminator_layers
        self.lambda_cls = lambda_cls
        self.lambda_rec = lambda_rec
        self.lambda_gp = lambda_gp
        self.n_critic = n_critic
        self.gp_every = gp_every
        self.generator = Generator(
            image_size,
            labels.size,
            conv_dim,
            num_residual_blocks,
            dtype=self.dtype_policy,
            name="generator",
        )
        self.discriminator = Discriminator(
            image_size,
            labels.num_labels,
            conv_dim,
            num_discriminator_layers,
            dtype=self.dtype_policy,
            name="discriminator",
        )
        self.built = True

    def make_optimizers(self, learning_rate: float = 1e-4) -> dict[str, Adam]:
        """The published optimizer of each network: beta1 0.5, beta2 0.999.

        Args:
            learning_rate: learning rate of both networks.
        """
        return {name: Adam(learning_rate) for name in ("generator", "discriminator")}

    def learning_rate_factor(
        self, step: int, total_steps: int, steps_per_epoch: int
    ) -> float:
        """1 in the first half of training, then falling linearly to 0 (section 5.1)."""
        return constant_then_linear(step, total_steps)

    @property
    def updates(self) -> tuple[Update, ...]:
        """The discriminator at each step, the generator at each `n_critic`-th."""
        return (
            Update(
                "D",
                self._discriminator_losses,
                {
                    "real": 1.0,
                    "fake": 1.0,
                    "cls": self.lambda_cls,
                    "gp": self.lambda_gp,
                },
                ("discriminator",),
                batches=len(self.labels.sets),
                lazy={"gp": self.gp_every},
            ),
            Update(
                "G",
                self._generator_losses,
                {"fake": 1.0, "cls": self.lambda_cls, "rec": self.lambda_rec},
                ("generator",),
                every=self.n_critic,
                batches=len(self.labels.sets),
            ),
        )

    def draw(self, draws: Draws, batch: dict[str, Any]) -> dict[str, Any]:
        """Target labels, the batch's own in a random order, and xhat's alpha."""
        labels = batch["labels"]
        size = ops.shape(labels)[0]
        order = draws.permutation("target", size)
        return {
            "target_labels": ops.take(labels, order, axis=0),
            "alpha": draws.uniform("alpha", (size,)),
        }

    def _discriminator_losses(self, batch, draws, without=()):
        fake = self.generator([batch["images"], draws["target_labels"]], training=True)
        return discriminator_losses(
            functools.partial(self.discriminator, training=True),
            batch["images"],
            fake,
            batch["labels"],
            draws["alpha"],
            self._classification_loss,
            input_gradient,
            without,
        )

    def _generator_losses(self, batch, draws):
        return generator_losses(
            functools.partial(self.generator, training=True),
            functools.partial(self.discriminator, training=True),
            batch["images"],
            batch["labels"],
            draws["target_labels"],
            self._classification_loss,
        )

    def _classification_loss(self, labels, logits):
        return classification_loss(labels, logits, self.labels)

    # Use.

    def translate_batch(self, images: Any, conditions: Any) -> Any:
        """Translates images to target labels `(n, labels.size)`."""
        return self.generator([images, conditions])

    def label_conditions(self, targets: Any, own: Any) -> Any:
        """The target labels themselves."""
        return targets

    @property
    def can_classify(self) -> bool:
        """Whether the discriminator has any weights to classify by."""
        return bool(np.any(ops.convert_to_numpy(self.discriminator.classifier.kernel)))

    def classify_batch(self, images: Any) -> Any:
        """Logits of D_cls, which learnt the labels of the training images."""
        return self.discriminator(images)[1]


def _label_space(num_labels: int | None, labels: Any) -> LabelSpace:
    if num_labels is not None and labels is not None:
        raise ValueError("Give num_labels or labels, not both.")
    if labels is not None:
        return LabelSpace.of(labels)
    num_labels = 8 if num_labels is None else num_labels
    if num_labels < 1:
        raise ValueError(f"num_labels must be at least 1; received {num_labels}.")
    return LabelSpace.of(numbered_labels(num_labels))
