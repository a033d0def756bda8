"""UNIT (Liu et al., NIPS 2017, arXiv:1703.00848)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from keras_stargan import networks
from keras_stargan.labels import LabelSet, LabelSpace
from keras_stargan.losses import l1_loss, named_adversarial_loss
from keras_stargan.methods.base import TranslationModel
from keras_stargan.methods.checks import two_domains
from keras_stargan.methods.unit.published import check_settings
from keras_stargan.networks.batches import translate_rows
from keras_stargan.pretrained.vgg import add_vgg, perceptual_loss
from keras_stargan.training import Adam, Update, num_rows

if TYPE_CHECKING:
    from keras_stargan.training.randomness import Draws

GENERATORS = ("content_encoder_a", "decoder_a", "content_encoder_b", "decoder_b")
DISCRIMINATORS = ("discriminator_a", "discriminator_b")
# A domain, and the domain of the images that are translated to it.
DIRECTIONS = (("a", "b"), ("b", "a"))
# Every encoding in training has noise of its own: that of the update "D", that of "G",
# and that of the translations in "G", each by the domain of the original images.
NOISES = ("d_a", "d_b", "g_a", "g_b", "cycle_a", "cycle_b")


@keras.saving.register_keras_serializable("keras_stargan")
class UNIT(TranslationModel):
    """Two domains with one latent space, between which images are translated.

    The encoder of each domain maps its images to the means of normally distributed
    codes, and the decoder of either domain maps codes to its images (UNIT, sections 2
    and 3). There is one translation of an image. As in the published code, the domains
    share no weights, which the paper's own experiments did. For more domains, train a
    model for each pair of domains and compose them as a `PairwiseModel`.

    Args:
        image_size: height and width of the images in pixels, a multiple of 4.
            Defaults to 256.
        labels: the two domains, a categorical `LabelSet` of two names: the first is
            A, the second is B. Defaults to the names "A" and "B".
        num_filters: channels of all networks' first layers. Defaults to 64.
        num_residual_blocks: residual blocks of an encoder, and of a decoder. Defaults
            to 4.
        num_discriminator_layers: layers of a discriminator that halve the size.
            Defaults to 4.
        num_scales: sizes of an image that a discriminator looks at. Defaults to 3.
        adversarial: the adversarial loss: lsgan (least squares) or vanilla (cross
            entropy, which the published code calls nsgan). Defaults to "lsgan".
        lambda_gan: weight of the adversarial terms of all networks. Defaults to 1.
        lambda_image: weight of the reconstruction of images. Defaults to 10.
        lambda_kl: weight of the mean square of the codes of images. Defaults to 0.01.
        lambda_cycle: weight of the cycle image - translation - image. Defaults to 10.
        lambda_kl_cycle: weight of the mean square of the codes of translations.
            Defaults to 0.01.
        lambda_vgg: weight of the perceptual term: VGG-16's features of a translation
            are to be those of its image. Defaults to 0.
        vgg: with `lambda_vgg`, the file of VGG-16's weights in Keras' format,
            `vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5`, or "imagenet" to
            download it. A saved model has the file's path and SHA-256 instead of them.
        halve_every: steps after which the learning rates are halved, again and again.
            Defaults to 100000.
        seed: of every random draw in training. Defaults to 0.
        **kwargs: as for `keras.Model`.

    Raises:
        ValueError: for a size that the networks cannot take, labels that are not two
            domains, or settings that do not go together.
        OSError: if the file `vgg` is not there.
    """

    batches = "unpaired"
    size_multiple = 4  # The generators halve their images twice.

    def __init__(
        self,
        image_size: int = 256,
        labels: LabelSet | LabelSpace | None = None,
        num_filters: int = 64,
        num_residual_blocks: int = 4,
        num_discriminator_layers: int = 4,
        num_scales: int = 3,
        adversarial: str = "lsgan",
        lambda_gan: float = 1.0,
        lambda_image: float = 10.0,
        lambda_kl: float = 0.01,
        lambda_cycle: float = 10.0,
        lambda_kl_cycle: float = 0.01,
        lambda_vgg: float = 0.0,
        vgg: str | dict[str, str] | None = None,
        halve_every: int = 100_000,
        seed: int = 0,
        **kwargs,
    ) -> None:
        settings = dict(locals())
        check_settings(settings)
        super().__init__(image_size, two_domains(labels), 2, seed=seed, **kwargs)
        # Every argument stays an attribute, but for those that others keep.
        for name in settings.keys() - {"self", "__class__", "labels", "vgg", "kwargs"}:
            setattr(self, name, settings[name])
        self._adversarial_loss = named_adversarial_loss(adversarial)
        self.vgg = None
        if lambda_vgg:
            add_vgg(self, vgg)
        kinds = {
            "content_encoder": (networks.ContentEncoder, num_residual_blocks),
            "decoder": (networks.ContentDecoder, num_residual_blocks),
            "discriminator": (
                networks.MultiScaleDiscriminator,
                num_discriminator_layers,
                num_scales,
            ),
        }
        for name in (*GENERATORS, *DISCRIMINATORS):
            make, *sizes = kinds[name[:-2]]
            options = {"name": name, "dtype": self.dtype_policy}
            setattr(self, name, make(image_size, num_filters, *sizes, **options))
        self.built = True

    # Training.

    def make_optimizers(self, learning_rate: float = 1e-4) -> dict[str, Adam]:
        """The published optimizer of each network: beta1 0.5, weight decay 1e-4.

        Args:
            learning_rate: learning rate of all networks.
        """
        names = (*GENERATORS, *DISCRIMINATORS)
        return {name: Adam(learning_rate, coupled_weight_decay=1e-4) for name in names}

    def learning_rate_factor(
        self, step: int, total_steps: int, steps_per_epoch: int
    ) -> float:
        """Halved every `halve_every` steps, and a step early, as published."""
        return 0.5 ** ((step + 1) // self.halve_every)

    @property
    def updates(self) -> tuple[Update, ...]:
        """Both discriminators; then all encoders and decoders, with new noise."""
        judged = {"real": self.lambda_gan, "fake": self.lambda_gan}
        made = {"adversarial": self.lambda_gan, "image": self.lambda_image}
        made |= {"kl": self.lambda_kl, "cycle": self.lambda_cycle}
        made |= {"kl_cycle": self.lambda_kl_cycle}
        made |= {"vgg": self.lambda_vgg} if self.lambda_vgg else {}
        judged, made = (
            {f"{term}_{x}": weight for term, weight in weights.items() for x in "ab"}
            for weights in (judged, made)
        )
        return (
            Update("D", self._judgments, judged, DISCRIMINATORS),
            Update("G", self._generator_losses, made, GENERATORS),
        )

    def draw(self, draws: Draws, batch: dict[str, Any]) -> dict[str, Any]:
        """The noise of each encoding, N(0, 1)."""
        side, channels = self.image_size // 4, 4 * self.num_filters
        shape = (num_rows(batch), side, side, channels)
        return {name: draws.normal(name, shape) for name in NOISES}

    def check_batch(self, batch: dict[str, Any]) -> None:
        """Raises `ValueError` unless a batch is what `fit` needs."""
        super().check_batch(batch)
        if self.vgg is not None:
            self.frozen["vgg"].check()

    def _run(self, part: str, domain: str, inputs: Any) -> Any:
        return getattr(self, f"{part}_{domain}")(inputs)

    def _judge(self, domain: str, images: Any, real: bool) -> Any:
        """The adversarial loss, a sum over the scales of a discriminator."""
        scores = self._run("discriminator", domain, images)
        return sum(self._adversarial_loss(each, real) for each in scores)

    def _judgments(self, batch, draws):
        terms = {}
        for x, y in DIRECTIONS:
            means = self._run("content_encoder", y, batch[f"images_{y}"])
            fakes = self._run("decoder", x, means + draws[f"d_{y}"])
            terms[f"real_{x}"] = self._judge(x, batch[f"images_{x}"], real=True)
            terms[f"fake_{x}"] = self._judge(x, fakes, real=False)
        return terms

    def _generator_losses(self, batch, draws):
        terms = {}
        for x, y in DIRECTIONS:
            images = batch[f"images_{y}"]
            means = self._run("content_encoder", y, images)
            # The same code is decoded in both domains.
            codes = means + draws[f"g_{y}"]
            fakes = self._run("decoder", x, codes)
            means_again = self._run("content_encoder", x, fakes)
            cycled = self._run("decoder", y, means_again + draws[f"cycle_{y}"])
            terms[f"adversarial_{x}"] = self._judge(x, fakes, real=True)
            terms[f"image_{y}"] = l1_loss(self._run("decoder", y, codes), images)
            terms[f"kl_{y}"] = ops.mean(ops.square(means))
            terms[f"cycle_{y}"] = l1_loss(cycled, images)
            terms[f"kl_cycle_{y}"] = ops.mean(ops.square(means_again))
            if self.lambda_vgg:
                terms[f"vgg_{x}"] = perceptual_loss(self.vgg, fakes, images)
        return terms

    # Use.

    def label_conditions(self, targets: Any, own: Any) -> Any:
        """The target domain, one-hot: which decoder translates."""
        return targets

    def translate_batch(self, images: Any, conditions: Any) -> Any:
        """Decodes the codes of images, without noise, in the target domain."""
        images = ops.cast(images, self.float_dtype)
        for i, (x, y) in enumerate(DIRECTIONS):

            def translated(z, x=x, y=y):
                return self._run("decoder", x, self._run("content_encoder", y, z))

            images = translate_rows(translated, images, conditions[:, i] > 0.5)
        return images
