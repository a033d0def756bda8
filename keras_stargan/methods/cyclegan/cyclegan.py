"""CycleGAN (Zhu et al., ICCV 2017, arXiv:1703.10593)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from keras_stargan.labels import LabelSet, LabelSpace
from keras_stargan.losses import l1_loss, named_adversarial_loss
from keras_stargan.methods.base import TranslationModel
from keras_stargan.methods.checks import two_domains
from keras_stargan.networks import PatchDiscriminator, ResNetGenerator
from keras_stargan.networks.batches import translate_rows
from keras_stargan.networks.image_pool import pooled
from keras_stargan.training import Adam, Update, constant_then_falling, num_rows

if TYPE_CHECKING:
    from keras_stargan.training.randomness import Draws

# The paper calls them G, F, D_X and D_Y; the published code G_A, G_B, D_B and D_A.
GENERATORS = ("generator_ab", "generator_ba")
DISCRIMINATORS = ("discriminator_a", "discriminator_b")


@keras.saving.register_keras_serializable("keras_stargan")
class CycleGAN(TranslationModel):
    """Two generators that translate between two domains, trained without pairs.

    One generator translates images of domain A to B, the other those of B to A. A
    translation has to look real to a discriminator of its domain, and the other
    generator has to lead it back to the original (CycleGAN, section 3). There is one
    translation of an image. For more domains, train a model for each pair of domains
    and compose them as a `PairwiseModel`.

    Args:
        image_size: height and width of the images in pixels, a multiple of 4.
            Defaults to 256.
        labels: the two domains, a categorical `LabelSet` of two names: the first is
            A, the second is B. Defaults to the names "A" and "B".
        num_filters: channels of all networks' first layers. Defaults to 64.
        num_residual_blocks: residual blocks of a generator. None: 6 for images up to
            128 px, 9 for larger ones, as in the paper. Defaults to 9.
        num_discriminator_layers: layers of a discriminator that halve the size; with
            3, it judges patches of 70x70 pixels. Defaults to 3.
        lambda_a: weight of the cycle A -> B -> A. Defaults to 10.
        lambda_b: weight of the cycle B -> A -> B. Defaults to 10.
        lambda_identity: weight of the identity terms, relative to `lambda_a` and
            `lambda_b`: a generator has to leave images of its target domain as they
            are, which keeps the colors. In most of the paper's experiments it is 0.
            Defaults to 0.5, as in the published code.
        pool_size: earlier translations to each domain that are kept, to be shown to
            the discriminator instead of some new ones. Defaults to 50.
        adversarial: the adversarial loss: lsgan (least squares), vanilla (cross
            entropy) or wgangp (Wasserstein; as in the published code, without a
            gradient penalty). Defaults to "lsgan".
        seed: of every random draw in training. Defaults to 0.
        **kwargs: as for `keras.Model`.

    Raises:
        ValueError: for a size that the networks cannot take, labels that are not two
            domains, a negative `pool_size`, or an unknown adversarial loss.
    """

    batches = "unpaired"
    size_multiple = 4  # The generators halve their images twice.

    def __init__(
        self,
        image_size: int = 256,
        labels: LabelSet | LabelSpace | None = None,
        num_filters: int = 64,
        num_residual_blocks: int | None = 9,
        num_discriminator_layers: int = 3,
        lambda_a: float = 10.0,
        lambda_b: float = 10.0,
        lambda_identity: float = 0.5,
        pool_size: int = 50,
        adversarial: str = "lsgan",
        seed: int = 0,
        **kwargs,
    ) -> None:
        if pool_size < 0:
            raise ValueError(f"pool_size must be 0 or more; received {pool_size}.")
        super().__init__(image_size, two_domains(labels), 2, seed=seed, **kwargs)
        self.num_filters = num_filters
        self.num_residual_blocks = num_residual_blocks
        self.num_discriminator_layers = num_discriminator_layers
        self.lambda_a = lambda_a
        self.lambda_b = lambda_b
        self.lambda_identity = lambda_identity
        self.pool_size = pool_size
        self.adversarial = adversarial
        self._adversarial_loss = named_adversarial_loss(adversarial)
        for name in (*GENERATORS, *DISCRIMINATORS):
            network, depth = PatchDiscriminator, num_discriminator_layers
            if name in GENERATORS:
                network, depth = ResNetGenerator, num_residual_blocks
            options = {"name": name, "dtype": self.dtype_policy}
            setattr(self, name, network(image_size, num_filters, depth, **options))
        self.built = True

    # Training.

    def make_optimizers(self, learning_rate: float = 2e-4) -> dict[str, Adam]:
        """The published optimizer of each network: beta1 0.5, beta2 0.999.

        Args:
            learning_rate: learning rate of all networks.
        """
        return {name: Adam(learning_rate) for name in (*GENERATORS, *DISCRIMINATORS)}

    def learning_rate_factor(
        self, step: int, total_steps: int, steps_per_epoch: int
    ) -> float:
        """1 in the first half of the epochs, then less in each, down to nearly 0."""
        return constant_then_falling(step, total_steps, steps_per_epoch)

    def training_state(self) -> dict[str, tuple[tuple[int, ...], str]]:
        """A pool for the translations to each domain, and how full both are."""
        shape = (self.pool_size, self.image_size, self.image_size, 3)
        pools = {name: (shape, self.float_dtype) for name in ("pool_a", "pool_b")}
        return pools | {"pool_count": ((), "int32")} if self.pool_size else {}

    @property
    def updates(self) -> tuple[Update, ...]:
        """Both generators; then both discriminators, on fakes of the old generators."""
        weights = {"adversarial_a": 1.0, "adversarial_b": 1.0}
        weights |= {"cycle_a": self.lambda_a, "cycle_b": self.lambda_b}
        if share := self.lambda_identity:
            weights["identity_a"] = share * self.lambda_a
            weights["identity_b"] = share * self.lambda_b
        halves = dict.fromkeys(("real_a", "fake_a", "real_b", "fake_b"), 0.5)
        fakes, exchange = ("fake_a", "fake_b"), self._exchange
        return (
            Update("G", self._generator_losses, weights, GENERATORS, gives=fakes),
            Update("D", self._judgments, halves, DISCRIMINATORS, between=exchange),
        )

    def draw(self, draws: Draws, batch: dict[str, Any]) -> dict[str, Any]:
        """For each fake, whether it is exchanged for an earlier one, and for which."""
        count, drawn = (num_rows(batch),), {}
        for x in "ab":
            drawn[f"exchange_{x}"] = draws.uniform(f"exchange_{x}", count)
            drawn[f"slot_{x}"] = draws.integers(f"slot_{x}", count, self.pool_size or 1)
        return drawn

    def _judge(self, domain: str, images: Any, real: bool) -> Any:
        scores = getattr(self, f"discriminator_{domain}")(images)
        return self._adversarial_loss(scores, real)

    def _generator_losses(self, batch, draws):
        a, b = batch["images_a"], batch["images_b"]
        to_a, to_b = self.generator_ba, self.generator_ab
        fake_a, fake_b = to_a(b), to_b(a)
        terms = {
            "adversarial_a": self._judge("a", fake_a, real=True),
            "adversarial_b": self._judge("b", fake_b, real=True),
            "cycle_a": l1_loss(to_a(fake_b), a),
            "cycle_b": l1_loss(to_b(fake_a), b),
        }
        if self.lambda_identity:
            terms["identity_a"] = l1_loss(to_a(a), a)
            terms["identity_b"] = l1_loss(to_b(b), b)
        return terms, {"fake_a": fake_a, "fake_b": fake_b}

    def _exchange(self, batch, draws):
        """Passes the fakes of the whole batch through the pools."""
        if not self.pool_size:
            return {f"pooled_{x}": batch[f"fake_{x}"] for x in "ab"}, {}
        given, state = {}, {}
        for x in "ab":
            pool = getattr(self, f"pool_{x}").value, self.pool_count.value
            drawn = draws[f"exchange_{x}"], draws[f"slot_{x}"]
            found = pooled(*pool, batch[f"fake_{x}"], *drawn)
            given[f"pooled_{x}"], state[f"pool_{x}"], state["pool_count"] = found
        return given, state

    def _judgments(self, batch, draws):
        terms = {}
        for x in "ab":
            terms[f"real_{x}"] = self._judge(x, batch[f"images_{x}"], real=True)
            terms[f"fake_{x}"] = self._judge(x, draws[f"pooled_{x}"], real=False)
        return terms

    # Use.

    def label_conditions(self, targets: Any, own: Any) -> Any:
        """The target domain, one-hot: which generator translates."""
        return targets

    def translate_batch(self, images: Any, conditions: Any) -> Any:
        """Translates each image by the generator of its target domain."""
        to_a, to_b = conditions[:, 0] > 0.5, conditions[:, 1] > 0.5
        images = ops.cast(images, self.float_dtype)
        images = translate_rows(self.generator_ba, images, to_a)
        return translate_rows(self.generator_ab, images, to_b)
