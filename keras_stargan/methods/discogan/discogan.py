"""DiscoGAN (Kim et al., ICML 2017, arXiv:1703.05192)."""

from typing import Any

import keras
from keras import ops

from keras_stargan.labels import LabelSet, LabelSpace
from keras_stargan.losses import adversarial_loss
from keras_stargan.methods.base import TranslationModel
from keras_stargan.methods.checks import two_domains
from keras_stargan.methods.discogan.networks import DiscoDiscriminator, DiscoGenerator
from keras_stargan.methods.discogan.published import check_settings
from keras_stargan.networks.batch_normalization import statistics_kept
from keras_stargan.networks.batches import translate_rows
from keras_stargan.networks.global_batch import global_mean
from keras_stargan.training import Adam, Update

# A network has the name of the domain whose images it makes or judges.
GENERATORS = ("generator_a", "generator_b")
DISCRIMINATORS = ("discriminator_a", "discriminator_b")
NETWORKS = (*GENERATORS, *DISCRIMINATORS)


@keras.saving.register_keras_serializable("keras_stargan")
class DiscoGAN(TranslationModel):
    """Two generators that discover how the images of two domains are related.

    A translation has to look real to a discriminator of its domain, the features that
    it sees in translations must have the means of those in real images, and the other
    generator has to lead it back to the original (DiscoGAN, section 2; features and
    rates are of the authors' code alone). The first of three steps trains the
    discriminators, the two others train the generators.

    Training normalizes by the statistics of the batch. So does the published test
    program, with all test images in one batch; here, use normalizes by running
    averages over real images, so that a translation does not depend on other images.
    For another size than the published 64 px, networks have as many layers more or
    less as lead to maps of 4x4 pixels.

    Args:
        image_size: side of the images in pixels, a power of 2. Defaults to 64.
        labels: the two domains, a categorical `LabelSet` of two names: the first is
            A, the second is B. Defaults to the names "A" and "B".
        num_filters: channels of all networks' first layers. Defaults to 64.
        extra_layers: whether the generators make a vector of 100 numbers of an image
            on the way. Published for cars, faces and chairs. Defaults to False.
        num_features: how many of a discriminator's last normalized layers have their
            features compared, at most all (3 at 64 px). Published for cars, faces and
            chairs: 2. Defaults to 3.
        starting_rate: weight of the reconstruction in the first `gan_curriculum`
            steps; 1 minus it weighs the other terms. Published for handbags and shoes:
            0.5; for cars, faces and chairs: 0.9. Defaults to 0.01.
        default_rate: the same afterwards. Published for cars, faces and chairs: 0.9.
            Defaults to 0.5.
        gan_curriculum: the number of steps with `starting_rate`. Defaults to 10000.
        seed: of every random draw in training. Defaults to 0.
        **kwargs: as for `keras.Model`.

    Raises:
        ValueError: for a size that the networks cannot take, labels that are not two
            domains, or a negative `num_features`.
    """

    batches = "unpaired"
    crosses_replicas = True

    def __init__(
        self,
        image_size: int = 64,
        labels: LabelSet | LabelSpace | None = None,
        num_filters: int = 64,
        extra_layers: bool = False,
        num_features: int = 3,
        starting_rate: float = 0.01,
        default_rate: float = 0.5,
        gan_curriculum: int = 10_000,
        seed: int = 0,
        **kwargs,
    ) -> None:
        check_settings({"image_size": image_size, "num_features": num_features})
        super().__init__(image_size, two_domains(labels), 2, seed=seed, **kwargs)
        self.num_filters, self.extra_layers = num_filters, extra_layers
        self.starting_rate, self.default_rate = starting_rate, default_rate
        self.gan_curriculum, self.num_features = gan_curriculum, num_features
        sizes, dtype = (image_size, num_filters), {"dtype": self.dtype_policy}
        for x, y in zip(GENERATORS, DISCRIMINATORS, strict=True):
            setattr(self, x, DiscoGenerator(*sizes, extra_layers, name=x, **dtype))
            setattr(self, y, DiscoDiscriminator(*sizes, name=y, **dtype))
        self.built = True

    # Training.

    def make_optimizers(self, learning_rate: float = 2e-4) -> dict[str, Adam]:
        """The published optimizer of each network: beta1 0.5, beta2 0.999.

        Args:
            learning_rate: learning rate of all networks.
        """
        return {x: Adam(learning_rate, coupled_weight_decay=1e-5) for x in NETWORKS}

    @property
    def updates(self) -> tuple[Update, ...]:
        """Both discriminators in the first of three steps, both generators else."""
        of_d = dict.fromkeys(("real_a", "fake_a", "real_b", "fake_b"), 0.5)
        of_g = {}
        for x in "ab":
            of_g[f"adversarial_{x}"] = lambda: 0.1 * (1.0 - self.rate())
            of_g[f"features_{x}"] = lambda: 0.9 * (1.0 - self.rate())
            of_g[f"reconstruction_{x}"] = self.rate
        return (
            Update("D", self._judgments, of_d, DISCRIMINATORS, every=3, turns=(0,)),
            Update("G", self._translations, of_g, GENERATORS, every=3, turns=(1, 2)),
        )

    def rate(self) -> Any:
        """The weight of the reconstruction at the present step."""
        starts = ops.cast(self.step < self.gan_curriculum, self.float_dtype)
        return starts * self.starting_rate + (1.0 - starts) * self.default_rate

    def draw(self, draws: Any, batch: dict[str, Any]) -> dict[str, Any]:
        """Nothing: a step has no random number."""
        return {}

    def prepare(self, batch: dict[str, Any]) -> dict[str, Any]:
        """The images in [0, 1], as the networks take and the losses compare them."""
        return {name: self._unsigned(images) for name, images in batch.items()}

    def _unsigned(self, images):
        return (ops.cast(images, self.float_dtype) + 1.0) / 2.0

    def _run(self, network, images):
        return getattr(self, network)(images, training=True)

    def _judgments(self, batch, draws):
        terms = {}
        for x, y in ("ab", "ba"):
            fake = self._run(f"generator_{x}", batch[f"images_{y}"])
            for name, images in (("real", batch[f"images_{x}"]), ("fake", fake)):
                scores, _ = self._run(f"discriminator_{x}", images)
                terms[f"{name}_{x}"] = adversarial_loss(scores, real=name == "real")
        return terms

    def _translations(self, batch, draws):
        terms = {}
        for x, y in ("ab", "ba"):
            fake = self._run(f"generator_{x}", batch[f"images_{y}"])
            scores, seen = self._run(f"discriminator_{x}", fake)
            _, real = self._run(f"discriminator_{x}", batch[f"images_{x}"])
            means = [[global_mean(ops.mean(f, 0)) for f in s] for s in (seen, real)]
            distances = [ops.mean((f - r) ** 2) for f, r in zip(*means, strict=True)]
            with statistics_kept():  # Those in use are of real images alone.
                error = self._run(f"generator_{y}", fake) - batch[f"images_{y}"]
            terms[f"adversarial_{x}"] = adversarial_loss(scores, real=True)
            terms[f"features_{x}"] = sum(distances[::-1][: self.num_features])
            terms[f"reconstruction_{y}"] = ops.mean(error**2)
        return terms

    # Use.

    def label_conditions(self, targets: Any, own: Any) -> Any:
        """The target domain, one-hot: which generator translates."""
        return targets

    def translate_batch(self, images: Any, conditions: Any) -> Any:
        """Translates each image by the generator of its target domain."""
        images = self._unsigned(images)
        for i, name in enumerate(GENERATORS):
            chosen = conditions[:, i] > 0.5
            images = translate_rows(getattr(self, name), images, chosen)
        return 2.0 * images - 1.0
