"""DIAT (Li et al., 2016, arXiv:1610.05586), as StarGAN compares with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from keras_stargan.labels import LabelSet, LabelSpace
from keras_stargan.methods.base import TranslationModel
from keras_stargan.methods.checks import two_domains
from keras_stargan.methods.diat import losses
from keras_stargan.methods.diat.published import check_settings
from keras_stargan.networks import PatchCritic, ResNetGenerator
from keras_stargan.networks.batches import translate_rows
from keras_stargan.pretrained.identity import identity_network
from keras_stargan.pretrained.persons import train_person_features
from keras_stargan.training import (
    Adam,
    Update,
    constant_then_linear,
    input_gradient,
    num_rows,
)

if TYPE_CHECKING:
    from keras_stargan.training.randomness import Draws


@keras.saving.register_keras_serializable("keras_stargan")
class DIAT(TranslationModel):
    """A generator from one domain to another that keeps who is on the image.

    A translation has to look real to a discriminator of the target domain, and a
    frozen network F has to find the person of the original in it (StarGAN, section 5).
    For more target domains, compose a model for each as a `PairwiseModel`. If
    `pretrain` trained F, `model.frozen["identity"].save("persons.keras")` writes it to
    a file that other models can be given.

    Args:
        image_size: height and width of the images in pixels, a multiple of 4 and of
            `2**num_discriminator_layers`. Defaults to 128.
        labels: the two domains, a categorical `LabelSet` of two names: images of the
            first are translated to the second. Defaults to the names "A" and "B".
        num_filters: channels of both networks' first layers. Defaults to 64.
        num_residual_blocks: residual blocks of the generator. Defaults to 6.
        num_discriminator_layers: of those that halve the size. Defaults to 6.
        adversarial: the adversarial loss: wgan (Wasserstein, with a gradient penalty)
            or gan (cross entropy). Defaults to "wgan".
        identity: F: the folder or the manifest of face-api's face recognition; a .keras
            file of a model from images in [-1, 1] to one or several feature maps, to
            which saved models refer; or such a model itself. By default a classifier is
            trained to tell the persons of the training set apart.
        identity_distance: of features: l1 (mean absolute difference, as in StarGAN's
            paper) or squared (mean squared difference, as in DIAT's). Defaults to "l1".
        identity_weights: the weight of each feature map. By default each has 1.
        identity_steps: steps of training the classifier of persons. Defaults to 3000.
        lambda_id: weight of the identity loss. Defaults to 10.
        lambda_gp: weight of the gradient penalty. Defaults to 10.
        n_critic: updates of the discriminator for each one of the generator. By default
            5 with wgan, 1 with gan.
        seed: of every random draw in training. Defaults to 0.
        **kwargs: as for `keras.Model`.

    Raises:
        OSError: if there is no such file.
        ValueError: for a size that the networks cannot take, labels that are not two
            domains, an unknown loss, or an `identity` that is none of these.
    """

    batches = "unpaired"
    size_multiple = 4  # The generators halve their images twice.

    def __init__(
        self,
        image_size: int = 128,
        labels: LabelSet | LabelSpace | None = None,
        num_filters: int = 64,
        num_residual_blocks: int = 6,
        num_discriminator_layers: int = 6,
        adversarial: str = "wgan",
        identity: str | dict[str, Any] | keras.Model | None = None,
        identity_distance: str = "l1",
        identity_weights: Sequence[float] | None = None,
        identity_steps: int = 3000,
        lambda_id: float = 10.0,
        lambda_gp: float = 10.0,
        n_critic: int | None = None,
        seed: int = 0,
        **kwargs,
    ) -> None:
        check_settings(locals())
        super().__init__(image_size, two_domains(labels), 2, seed=seed, **kwargs)
        self.num_filters = num_filters
        self.num_residual_blocks = num_residual_blocks
        self.num_discriminator_layers = num_discriminator_layers
        self.adversarial = adversarial
        self.identity_distance = identity_distance
        self.identity_weights = weights = identity_weights and list(identity_weights)
        self.identity_steps = identity_steps
        self.lambda_id = lambda_id
        self.lambda_gp = lambda_gp
        self.n_critic = n_critic
        for name, network, depth in (
            ("generator", ResNetGenerator, num_residual_blocks),
            ("discriminator", PatchCritic, num_discriminator_layers),
        ):
            options = {"name": name, "dtype": self.dtype_policy}
            setattr(self, name, network(image_size, num_filters, depth, **options))
        network = image_size, weights and len(weights), self.float_dtype
        self.add_frozen("identity", *identity_network(identity, *network))
        self.built = True

    def pretrain(self, image_sets: Sequence[Any]) -> None:
        """Trains F on the persons in a data set's `subjects`, if it needs weights."""
        frozen = self.frozen["identity"]
        if frozen.has_weights or frozen.reference or not self.lambda_id:
            return
        print("Training the classifier of persons that gives the identity features.")
        trained = train_person_features(
            image_sets[0], self.identity_steps, seed=self.seed, dtype=self.float_dtype
        )
        self.identity.set_weights(trained.get_weights())
        frozen.has_weights = True

    def make_optimizers(self, learning_rate: float = 1e-4) -> dict[str, Adam]:
        """StarGAN's optimizer for each network: beta1 0.5, beta2 0.999.

        Args:
            learning_rate: learning rate of both networks.
        """
        return {name: Adam(learning_rate) for name in ("generator", "discriminator")}

    def learning_rate_factor(
        self, step: int, total_steps: int, steps_per_epoch: int
    ) -> float:
        """1 in the first half of training, then falling linearly to 0, as StarGAN's."""
        return constant_then_linear(step, total_steps)

    @property
    def updates(self) -> tuple[Update, ...]:
        """The discriminator at each step, the generator at each `n_critic`-th."""
        is_wgan = self.adversarial == "wgan"
        of_d = {"real": 1.0, "fake": 1.0} | ({"gp": self.lambda_gp} if is_wgan else {})
        of_g = {"fake": 1.0} | ({"identity": w} if (w := self.lambda_id) else {})
        every = self.n_critic or (5 if is_wgan else 1)
        return (
            Update("D", self._discriminator_losses, of_d, ("discriminator",)),
            Update("G", self._generator_losses, of_g, ("generator",), every=every),
        )

    def draw(self, draws: Draws, batch: dict[str, Any]) -> dict[str, Any]:
        """Where between a real image and a translation the penalty looks."""
        return {"alpha": draws.uniform("alpha", (num_rows(batch),))}

    def _discriminator_losses(self, batch, draws):
        images = batch["images_b"], self.generator(batch["images_a"])
        given = *images, draws["alpha"], self.adversarial
        return losses.discriminator_losses(self.discriminator, *given, input_gradient)

    def _generator_losses(self, batch, draws):
        source, fake = batch["images_a"], self.generator(batch["images_a"])
        adversarial = losses.ADVERSARIAL[self.adversarial]
        terms = {"fake": adversarial(self.discriminator(fake), True)}
        if self.lambda_id:
            self.frozen["identity"].check()
            network, pair = self.identity, (source, fake)
            maps = [keras.tree.flatten(network(x, training=False)) for x in pair]
            given = self.identity_weights, self.identity_distance
            loss = losses.identity_loss(*maps, *given)
            terms["identity"] = ops.cast(loss, self.float_dtype)
        return terms

    def check_batch(self, batch: dict[str, Any]) -> None:
        """Raises `ValueError` unless a batch, and F, are what `fit` needs."""
        super().check_batch(batch)
        if self.lambda_id:
            self.frozen["identity"].check()

    @property
    def reachable(self) -> tuple[str, ...]:
        """The target domain alone."""
        return self.labels.names[1:]

    def label_conditions(self, targets: Any, own: Any) -> Any:
        """The target domain, one-hot."""
        return targets

    def translate_batch(self, images: Any, conditions: Any) -> Any:
        """Translates the images that are to become of B; others stay as they are."""
        images = ops.cast(images, self.float_dtype)
        return translate_rows(self.generator, images, conditions[:, 1] > 0.5)
