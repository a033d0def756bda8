"""StarGAN (Choi et al., CVPR 2018, arXiv:1711.09020)."""

import functools
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_stargan.images import check_images, warn_if_unsigned
from keras_stargan.labels import LabelSet, LabelSpace, numbered_labels
from keras_stargan.methods.stargan.losses import (
    discriminator_losses,
    generator_losses,
)
from keras_stargan.methods.stargan.networks import Discriminator, Generator
from keras_stargan.networks.batches import in_batches
from keras_stargan.training import Adam, AdversarialModel, Update, input_gradient
from keras_stargan.training.randomness import Draws


@keras.saving.register_keras_serializable("keras_stargan")
class StarGAN(AdversarialModel):
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
        n_critic: updates of the discriminator for each one of the generator.
            Defaults to 5. With n data sets, the generator is updated by n batches in
            a row, one of each set, after `n_critic - 1` such rows without.
        seed: of every random draw in training. Defaults to 0.
        **kwargs: as for `keras.Model`.

    Raises:
        ValueError: for a size that cannot be halved often enough, fewer than one
            label, both `num_labels` and other `labels`, or an `n_critic` below 1.

    Example:
        ```python
        model = keras_stargan.StarGAN(image_size=128, num_labels=8)
        model.compile()
        model.fit(dataset, epochs=10)
        translated = model.translate(images, target_labels)
        ```
    """

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
        seed: int = 0,
        **kwargs,
    ) -> None:
        labels = _label_space(num_labels, labels)
        if n_critic < 1:
            raise ValueError(f"n_critic must be at least 1; received {n_critic}.")
        super().__init__(seed=seed, **kwargs)
        self.image_size = image_size
        self.labels = labels
        self.conv_dim = conv_dim
        self.num_residual_blocks = num_residual_blocks
        self.num_discriminator_layers = num_discriminator_layers
        self.lambda_cls = lambda_cls
        self.lambda_rec = lambda_rec
        self.lambda_gp = lambda_gp
        self.n_critic = n_critic
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

    def compile(
        self,
        generator_optimizer: keras.optimizers.Optimizer | None = None,
        discriminator_optimizer: keras.optimizers.Optimizer | None = None,
        jit_compile: bool | str = "auto",
        **kwargs,
    ) -> None:
        """Sets what `fit` needs.

        Args:
            generator_optimizer: defaults to the published one,
                `keras_stargan.Adam(1e-4, beta_1=0.5, beta_2=0.999)`.
            discriminator_optimizer: the same.
            jit_compile: whether losses and gradients are compiled with XLA:
                True, False, or "auto", which is on where there is a GPU.
            **kwargs: as for `AdversarialModel.compile`.
        """
        super().compile(
            optimizers={
                "generator": generator_optimizer or Adam(),
                "discriminator": discriminator_optimizer or Adam(),
            },
            jit_compile=jit_compile,
            **kwargs,
        )

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

    def draw(self, draws: Draws, batch: Any) -> dict[str, Any]:
        """Target labels, the batch's own in a random order, and xhat's alpha."""
        _, labels = _as_floats(batch)
        size = ops.shape(labels)[0]
        return {
            "target_labels": self.labels.random_targets(
                labels, draws.permutation("target", size)
            ),
            "alpha": draws.uniform("alpha", (size,)),
        }

    def _discriminator_losses(self, batch, draws):
        images, labels = _as_floats(batch)
        return discriminator_losses(
            functools.partial(self.discriminator, training=True),
            images,
            self.generator([images, draws["target_labels"]], training=True),
            labels,
            draws["alpha"],
            self.labels.classification_loss,
            input_gradient,
        )

    def _generator_losses(self, batch, draws):
        images, labels = _as_floats(batch)
        return generator_losses(
            functools.partial(self.generator, training=True),
            functools.partial(self.discriminator, training=True),
            images,
            labels,
            draws["target_labels"],
            self.labels.classification_loss,
        )

    def check_batch(self, batch: Any) -> None:
        """Raises `ValueError` unless a batch is (images, labels) as `fit` needs."""
        images, labels = (None if x is None else np.asarray(x) for x in batch)
        self._check_inputs(images, labels)
        self.labels.check(labels)
        warn_if_unsigned(images)

    def _check_inputs(self, images: Any, labels: Any) -> None:
        if images is None or labels is None:
            raise ValueError("Batches must be (images, labels); there are no labels.")
        image_shape, label_shape = tuple(images.shape), tuple(labels.shape)
        if (
            label_shape[1:] != (self.labels.size,)
            or len(label_shape) != 2
            or image_shape[:1] != label_shape[:1]
        ):
            raise ValueError(
                f"This model needs labels of shape (n, {self.labels.size}), a row for "
                f"each image; received images of shape {image_shape} and labels of "
                f"shape {label_shape}."
            )
        check_images(images, self.image_size)

    def call(self, inputs: Any) -> Any:
        """Translates `[images, target_labels]`."""
        return self.generator(inputs)

    def translate(
        self, images: Any, target_labels: Any, batch_size: int = 32
    ) -> np.ndarray:
        """Translates images to the domains that labels name.

        Args:
            images: `(n, image_size, image_size, 3)`, values from -1 to 1.
            target_labels: `(n, labels.size)`, the label each is to have, as
                `LabelSpace.named_target` or `chosen_targets` gives.
            batch_size: how many are translated at once.

        Returns:
            A float32 array `(n, image_size, image_size, 3)`, values from -1 to 1.

        Raises:
            ValueError: for other shapes, or values outside [-1, 1].
        """
        images = np.asarray(images, "float32")
        target_labels = np.asarray(target_labels, "float32")
        self._check_inputs(images, target_labels)
        return in_batches(
            lambda x, c: self.generator([x, c]), batch_size, images, target_labels
        )

    @property
    def can_classify(self) -> bool:
        """Whether the discriminator has any weights to classify by."""
        return bool(np.any(ops.convert_to_numpy(self.discriminator.classifier.kernel)))

    def classify(self, images: Any, batch_size: int = 32) -> np.ndarray:
        """The labels that the discriminator sees in images.

        Its classifier learnt them from the training images (L_cls^real); a guess at
        the labels of an image of which nothing is known.

        Args:
            images: `(n, image_size, image_size, 3)`, values from -1 to 1.
            batch_size: how many are looked at at once.

        Returns:
            A float32 array `(n, labels.num_labels)` of zeros and ones, with the
            labels of every data set.

        Raises:
            ValueError: for another shape, values outside [-1, 1], or a model whose
                discriminator has not learnt any labels.
        """
        images = np.asarray(images, "float32")
        if not self.can_classify:
            raise ValueError(
                "This model was made from a published generator alone; without its "
                "discriminator it cannot tell which labels an image has."
            )
        self._check_inputs(images, np.zeros((len(images), self.labels.size)))
        return self.labels.from_logits(
            in_batches(lambda x: self.discriminator(x)[1], batch_size, images)
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this model again."""
        names = (
            "image_size",
            "conv_dim",
            "num_residual_blocks",
            "num_discriminator_layers",
            "lambda_cls",
            "lambda_rec",
            "lambda_gp",
            "n_critic",
            "seed",
        )
        return (
            super().get_config()
            | {"labels": self.labels.get_config()}
            | {name: getattr(self, name) for name in names}
        )


def _label_space(num_labels: int | None, labels: Any) -> LabelSpace:
    if num_labels is not None and labels is not None:
        raise ValueError("Give num_labels or labels, not both.")
    if labels is not None:
        return LabelSpace.of(labels)
    num_labels = 8 if num_labels is None else num_labels
    if num_labels < 1:
        raise ValueError(f"num_labels must be at least 1; received {num_labels}.")
    return LabelSpace.of(numbered_labels(num_labels))


def _as_floats(batch: Any) -> tuple:
    """Images and labels as float32; people have float64 pixels and integer labels."""
    images, labels = batch
    return ops.cast(images, "float32"), ops.cast(labels, "float32")
