"""DRIT (Lee et al., ECCV 2018, arXiv:1808.00948)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from keras_stargan.labels import LabelSet, LabelSpace
from keras_stargan.losses import adversarial_loss, l1_loss, mode_seeking_loss
from keras_stargan.methods.base import TranslationModel
from keras_stargan.methods.checks import two_domains
from keras_stargan.methods.drit import published
from keras_stargan.networks import MultiScaleDiscriminator
from keras_stargan.networks import content_and_attributes as networks
from keras_stargan.networks.batches import translate_rows
from keras_stargan.networks.global_batch import global_mean, global_rows
from keras_stargan.training import Adam, Update, constant_then_falling, num_rows

if TYPE_CHECKING:
    from keras_stargan.training.randomness import Draws

# Each domain and the other one.
PAIRS = (("a", "b"), ("b", "a"))
# Of a domain, the first one judges translations with the attributes of an image, the
# second one those with random attributes.
DISCRIMINATORS = tuple(
    f"{kind}discriminator_{x}" for kind in ("", "random_") for x in "ab"
)


@keras.saving.register_keras_serializable("keras_stargan")
class DRIT(TranslationModel):
    """Splits images of two domains into content and attributes, and recombines them.

    The content of both domains is alike to a content discriminator; attributes are of
    one domain. A translation has the content of an image and the attributes of an image
    of the other domain, or random ones (DRIT, section 3). Two translations lead back to
    the images (cross-cycle consistency). A condition is attributes beside the one-hot
    target domain. The attributes of a reference are their mean; the published code
    draws them around it in the concatenation form.

    Args:
        image_size: height and width of the images in pixels, a multiple of 4. The
            discriminators have as many layers as published from 212 px on, and fewer
            for smaller images. Defaults to 216.
        labels: the two domains, a categorical `LabelSet` of two names: the first is
            A, the second is B. Defaults to the names "A" and "B".
        form: how attributes enter the generator: concatenation (as further channels)
            where shapes stay, such as of summer and winter; transform (in residual
            blocks) where they change, such as of cats and dogs. Defaults to
            "concatenation".
        num_filters: channels of the first layers. Defaults to 64.
        latent_dim: how many numbers the attributes are. Defaults to 8.
        num_scales: sizes of an image that each domain discriminator looks at. With
            one, its kernels are 3x3 instead of 4x4. Defaults to 3.
        spectral_norm: whether domain discriminators have spectral normalization.
            Defaults to False.
        d_iter: every so many steps all networks are trained; in the steps between
            only the content discriminator. Defaults to 3.
        lambda_cycle: weight of the way back to the images. Defaults to 10.
        lambda_reconstruction: weight of the images' reconstruction from their own
            content and attributes. Defaults to 10.
        lambda_latent: weight of the reconstruction of random attributes. Defaults to
            10.
        lambda_kl: weight of keeping attributes near to N(0, 1), and content small.
            Defaults to 0.01.
        lambda_ms: weight of MSGAN's mode-seeking term; 0 for DRIT. Above 0, there is
            a second translation with random attributes, which is judged, too.
            Defaults to 0.
        seed: of every random draw in training. Defaults to 0.
        **kwargs: as for `keras.Model`.

    Raises:
        ValueError: for a size that the networks cannot take, labels that are not two
            domains, an unknown `form`, or numbers out of range.
    """

    guides = ("latent", "reference")
    batches = "unpaired_halves"
    size_multiple = 4  # The content encoders halve their images twice.

    def __init__(
        self,
        image_size: int = 216,
        labels: LabelSet | LabelSpace | None = None,
        form: str = "concatenation",
        num_filters: int = 64,
        latent_dim: int = 8,
        num_scales: int = 3,
        spectral_norm: bool = False,
        d_iter: int = 3,
        lambda_cycle: float = 10.0,
        lambda_reconstruction: float = 10.0,
        lambda_latent: float = 10.0,
        lambda_kl: float = 0.01,
        lambda_ms: float = 0.0,
        seed: int = 0,
        **kwargs,
    ) -> None:
        settings = dict(locals())
        published.check_settings(settings)
        labels, condition_dim = two_domains(labels), latent_dim + 2
        super().__init__(image_size, labels, condition_dim, seed=seed, **kwargs)
        # Every argument stays an attribute, but for those that others keep.
        for name in settings.keys() - {"self", "__class__", "labels", "kwargs"}:
            setattr(self, name, settings[name])
        self.crosses_replicas = lambda_ms > 0  # By a ratio of means.

        sizes, policy = (image_size, num_filters), {"dtype": self.dtype_policy}
        self.content_encoder = networks.ContentEncoder(*sizes, **policy)
        encoder = networks.AttributeEncoder(*sizes, latent_dim, form, **policy)
        self.attribute_encoder = encoder
        self.generator = networks.GENERATORS[form](*sizes, latent_dim, **policy)
        # The published layers, or as many as fit.
        layers, kernel_size = (6, 3) if num_scales == 1 else (4, 4)
        layers = min(layers, image_size.bit_length() - num_scales)
        options = {"negative_slope": 0.01, "bias_initializer": None, **policy}
        options |= {"kernel_size": kernel_size, "spectral_norm": spectral_norm}
        for name in DISCRIMINATORS:
            network = MultiScaleDiscriminator(*sizes, layers, num_scales, **options)
            setattr(self, name, network)
        self.content_discriminator = networks.ContentDiscriminator(*sizes, **policy)
        self.built = True

    # Training.

    def make_optimizers(
        self, learning_rate: float = 1e-4, content_learning_rate: float = 4e-5
    ) -> dict[str, Adam]:
        """The published optimizer of each network.

        Args:
            learning_rate: learning rate of all networks but the content discriminator.
            content_learning_rate: learning rate of the content discriminator.
        """
        shared = ("content_encoder", "attribute_encoder", "generator")
        decay = {"coupled_weight_decay": 1e-4}
        content = Adam(content_learning_rate, max_global_norm=5.0, **decay)
        names = (*shared, *DISCRIMINATORS)
        optimizers = {name: Adam(learning_rate, **decay) for name in names}
        return optimizers | {"content_discriminator": content}

    def learning_rate_factor(
        self, step: int, total_steps: int, steps_per_epoch: int
    ) -> float:
        """1 in the first half of the epochs, then less in each, down to nearly 0."""
        # It begins to fall an epoch later than CycleGAN's schedule.
        step -= steps_per_epoch
        return constant_then_falling(step, total_steps, steps_per_epoch)

    @property
    def updates(self) -> tuple[Update, ...]:
        """The discriminators; then the others, by images' and by random attributes."""
        kinds = ("real", "fake", "random_real", "random_fake")
        of_g = {"adversarial": 1.0, "content": 1.0, "cycle": self.lambda_cycle}
        of_g |= {"reconstruction": self.lambda_reconstruction}
        of_g |= {"kl": self.lambda_kl, "content_size": self.lambda_kl}
        of_random = {"adversarial": 1.0, "latent": self.lambda_latent}
        if self.lambda_ms:
            of_random["mode_seeking"] = self.lambda_ms

        def update(name, losses, weights, *networks, every=self.d_iter):
            weights = {f"{k}_{x}": w for k, w in weights.items() for x in "ab"}
            return Update(name, losses, weights, networks, every)

        judged, trained = dict.fromkeys(kinds, 1.0), ("content_encoder", "generator")
        one, content = {"content": 1.0}, "content_discriminator"
        return (
            update("D", self._judgments, judged, *DISCRIMINATORS),
            update("D_content", self._content_judgments, one, content, every=1),
            update("G", self._encoded_losses, of_g, *trained, "attribute_encoder"),
            update("G_random", self._random_losses, of_random, *trained),
        )

    def draw(self, draws: Draws, batch: dict[str, Any]) -> dict[str, Any]:
        """Noise on contents, of attributes around their mean, and random attributes."""
        count, side = num_rows(batch), self.image_size // 4
        maps = [f"noise_{kind}_{x}" for kind in ("content", "recon") for x in "ab"]
        codes = [f"{kind}_{x}" for kind in ("eps", "eps_recon") for x in "ab"]
        codes += ["z_random", "z_random2"] if self.lambda_ms else ["z_random"]
        shapes = dict.fromkeys(maps, (count, side, side, 4 * self.num_filters))
        shapes |= dict.fromkeys(codes, (count, self.latent_dim))
        return {name: draws.normal(name, shape) for name, shape in shapes.items()}

    def _contents(self, batch, draws):
        """The content of the images of each domain, with the noise of training."""
        return {
            x: self.content_encoder(batch[f"images_{x}"], domain=x)
            + draws[f"noise_content_{x}"]
            for x in "ab"
        }

    def _attributes(self, images, domain, noise):
        """Attributes drawn for images, and how far their distribution is from N(0, 1).

        As published, the divergence is a sum over the images of the whole batch.
        """
        mean, *log_variances = self.attribute_encoder(images, domain=domain)
        if self.form == "transform":
            return mean, ops.mean(ops.square(mean))
        (log_variance,) = log_variances
        variance = ops.exp(log_variance)
        terms = 1.0 + log_variance - ops.square(mean) - variance
        sums = ops.mean(-0.5 * ops.sum(terms, axis=-1))
        count = ops.cast(global_rows(mean), sums.dtype)
        return mean + noise * ops.exp(log_variance / 2), sums * count

    def _generated(self, domain, *pairs):
        """Images of some contents and attributes, by one call of the generator."""
        joined = [ops.concatenate(parts) for parts in zip(*pairs, strict=True)]
        return ops.split(self.generator(joined, domain=domain), len(pairs))

    def _judge(self, name, images, real):
        scores = getattr(self, name)(images, training=True)
        return sum(adversarial_loss(scale, real) for scale in scores)

    def _latents(self, draws):
        return [draws[name] for name in ("z_random", "z_random2") if name in draws]

    def _judgments(self, batch, draws):
        terms, contents = {}, self._contents(batch, draws)
        latents = self._latents(draws)
        for x, y in PAIRS:
            images = batch[f"images_{x}"]
            attributes, _ = self._attributes(images, x, draws[f"eps_{x}"])
            pairs = ((contents[y], each) for each in (attributes, *latents))
            fake, *random = self._generated(x, *pairs)
            judged = ("random_", batch[f"random_{x}"], random)
            for kind, real, fakes in (("", images, [fake]), judged):
                name = f"{kind}discriminator_{x}"
                terms[f"{kind}fake_{x}"] = terms[f"{kind}real_{x}"] = 0.0
                for each in fakes:
                    terms[f"{kind}fake_{x}"] += self._judge(name, each, False)
                    terms[f"{kind}real_{x}"] += self._judge(name, real, True)
        return terms

    def _content_judgments(self, batch, draws):
        contents, judge = self._contents(batch, draws), self.content_discriminator
        of = {x: adversarial_loss(judge(contents[x]), real=x == "b") for x in "ab"}
        return {f"content_{x}": loss for x, loss in of.items()}

    def _encoded_losses(self, batch, draws):
        terms, fakes, contents = {}, {}, self._contents(batch, draws)
        for x, y in PAIRS:
            images = batch[f"images_{x}"]
            attributes, kl = self._attributes(images, x, draws[f"eps_{x}"])
            pairs = ((contents[y], attributes), (contents[x], attributes))
            fakes[x], own = self._generated(x, *pairs)
            logits = self.content_discriminator(contents[x])
            either = (adversarial_loss(logits, real) for real in (True, False))
            terms |= {
                f"adversarial_{x}": self._judge(f"discriminator_{x}", fakes[x], True),
                f"content_{x}": 0.5 * sum(either),
                f"reconstruction_{x}": l1_loss(own, images),
                f"kl_{x}": kl,
                f"content_size_{x}": ops.mean(ops.square(contents[x])),
            }
        for x, y in PAIRS:  # The content of an image of x is in the fake of y.
            content = self.content_encoder(fakes[y], domain=y)
            attributes, _ = self._attributes(fakes[x], x, draws[f"eps_recon_{x}"])
            again = [content + draws[f"noise_recon_{x}"], attributes]
            cycled = self.generator(again, domain=x)
            terms[f"cycle_{x}"] = l1_loss(cycled, batch[f"images_{x}"])
        return terms

    def _random_losses(self, batch, draws):
        terms, contents = {}, self._contents(batch, draws)
        latents = self._latents(draws)
        for x, y in PAIRS:
            fakes = self._generated(x, *((contents[y], z) for z in latents))
            name = f"random_discriminator_{x}"
            mean, *_ = self.attribute_encoder(fakes[0], domain=x)
            terms |= {
                f"adversarial_{x}": sum(self._judge(name, f, True) for f in fakes),
                f"latent_{x}": l1_loss(mean, latents[0]),
            }
            if self.lambda_ms:
                distances = (global_mean(l1_loss(*two)) for two in (fakes, latents))
                terms[f"mode_seeking_{x}"] = mode_seeking_loss(*distances)
        return terms

    # Use.

    def latent_conditions(self, latents: Any, targets: Any) -> Any:
        """Latent codes are the attributes."""
        return ops.concatenate([latents, targets], axis=-1)

    def reference_conditions(self, references: Any, targets: Any) -> Any:
        """The mean attributes of references, by the encoder of the target domain."""
        a, b = (self.attribute_encoder(references, domain=x)[0] for x in "ab")
        return ops.concatenate([ops.where(targets[:, :1] > 0.5, a, b), targets], -1)

    def translate_batch(self, images: Any, conditions: Any) -> Any:
        """Gives the content of an image attributes of the other domain."""
        images = ops.cast(images, self.float_dtype)
        attributes = conditions[:, : self.latent_dim]
        for i, (x, y) in enumerate(PAIRS):

            def to_x(images, x=x, y=y):
                content = self.content_encoder(images, domain=y)
                return self.generator([content, attributes], domain=x)

            chosen = conditions[:, self.latent_dim + i] > 0.5
            images = translate_rows(to_x, images, chosen)
        return images
