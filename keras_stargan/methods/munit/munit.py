"""MUNIT (Huang et al., ECCV 2018, arXiv:1804.04732)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from keras_stargan import networks
from keras_stargan.labels import LabelSet, LabelSpace
from keras_stargan.losses import l1_loss, mode_seeking_loss, named_adversarial_loss
from keras_stargan.methods.base import TranslationModel
from keras_stargan.methods.checks import two_domains
from keras_stargan.methods.munit.published import check_settings
from keras_stargan.networks.batches import translate_rows
from keras_stargan.networks.global_batch import global_mean
from keras_stargan.pretrained.vgg import add_vgg, perceptual_loss
from keras_stargan.training import Adam, Update, num_rows

if TYPE_CHECKING:
    from keras_stargan.training.randomness import Draws

PARTS = ("content_encoder", "style_encoder", "decoder")  # of a published generator
GENERATORS = tuple(f"{part}_{x}" for x in "ab" for part in PARTS)
DISCRIMINATORS = ("discriminator_a", "discriminator_b")
# A domain, and the domain of the images that are translated to it.
DIRECTIONS = (("a", "b"), ("b", "a"))


@keras.saving.register_keras_serializable("keras_stargan")
class MUNIT(TranslationModel):
    """Many translations of an image between two domains, by latent codes or references.

    The encoders of a domain take its images apart into a content, which both domains
    share, and a style; a translation is the content of the image with a style of the
    other domain (MUNIT, section 3). For more domains, train a model for each pair of
    domains.

    Args:
        image_size: height and width of the images in pixels, a multiple of 4.
            Defaults to 256.
        labels: the two domains, a categorical `LabelSet` of two names: the first is
            A, the second is B. Defaults to the names "A" and "B".
        num_filters: channels of all networks' first layers. Defaults to 64.
        style_dim: entries of a style, and of a latent code. Defaults to 8.
        mapping_dim: features of the layers between a style and the scales and shifts
            that it becomes. Defaults to 256.
        num_residual_blocks: residual blocks of an encoder, and of a decoder. Defaults
            to 4.
        num_discriminator_layers: layers of a discriminator that halve the size.
            Defaults to 4.
        num_scales: sizes of an image that a discriminator looks at. Defaults to 3.
        adversarial: the adversarial loss: lsgan (least squares) or vanilla (cross
            entropy, which the published code calls nsgan). Defaults to "lsgan".
        lambda_gan: weight of the adversarial terms of all networks. Defaults to 1.
        lambda_image: weight of the reconstruction of images. Defaults to 10.
        lambda_style: weight of the reconstruction of drawn styles. Defaults to 1.
        lambda_content: weight of the reconstruction of contents. Defaults to 1.
        lambda_cycle: weight of the cycle image - translation - image; the authors
            advise 10 where shapes are to stay. Defaults to 0.
        lambda_vgg: weight of the perceptual term: VGG-16's features of a translation
            are to be those of its image. Defaults to 0.
        lambda_ms: weight of the mode-seeking term (MSGAN, equation 3), with which all
            networks see two translations of each image. Defaults to 0, MUNIT itself.
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

    guides = ("latent", "reference")
    batches = "unpaired"
    size_multiple = 4  # The content encoders halve their images twice.

    def __init__(
        self,
        image_size: int = 256,
        labels: LabelSet | LabelSpace | None = None,
        num_filters: int = 64,
        style_dim: int = 8,
        mapping_dim: int = 256,
        num_residual_blocks: int = 4,
        num_discriminator_layers: int = 4,
        num_scales: int = 3,
        adversarial: str = "lsgan",
        lambda_gan: float = 1.0,
        lambda_image: float = 10.0,
        lambda_style: float = 1.0,
        lambda_content: float = 1.0,
        lambda_cycle: float = 0.0,
        lambda_vgg: float = 0.0,
        lambda_ms: float = 0.0,
        vgg: str | dict[str, str] | None = None,
        halve_every: int = 100_000,
        seed: int = 0,
        **kwargs,
    ) -> None:
        settings = dict(locals())
        check_settings(settings)
        labels, condition_dim = two_domains(labels), style_dim + 2
        super().__init__(image_size, labels, condition_dim, seed=seed, **kwargs)
        # Every argument stays an attribute, but for those that others keep.
        for name in settings.keys() - {"self", "__class__", "labels", "vgg", "kwargs"}:
            setattr(self, name, settings[name])
        self.latent_dim = style_dim
        self.crosses_replicas = bool(lambda_ms)  # It is a ratio of means.
        self._num_styles = 2 if lambda_ms else 1
        self._adversarial_loss = named_adversarial_loss(adversarial)
        self.vgg = None
        if lambda_vgg:
            add_vgg(self, vgg)
        blocks, scales = num_residual_blocks, (num_discriminator_layers, num_scales)
        kinds = {
            "content_encoder": (networks.ContentEncoder, blocks),
            "style_encoder": (networks.StyleEncoder, style_dim),
            "decoder": (networks.ContentDecoder, blocks, style_dim, mapping_dim),
            "discriminator": (networks.MultiScaleDiscriminator, *scales),
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
        """Both discriminators; then all encoders and decoders, with new styles."""
        gan = self.lambda_gan
        made = {"adversarial": gan, "image": self.lambda_image}
        made |= {"style": self.lambda_style, "content": self.lambda_content}
        optional = {t: getattr(self, f"lambda_{t}") for t in ("cycle", "vgg", "ms")}
        made |= {term: weight for term, weight in optional.items() if weight}
        judged, made = (
            {f"{term}_{x}": weight for term, weight in weights.items() for x in "ab"}
            for weights in ({"real": gan, "fake": gan}, made)
        )
        return (
            Update("D", self._judgments, judged, DISCRIMINATORS),
            Update("G", self._generator_losses, made, GENERATORS),
        )

    def draw(self, draws: Draws, batch: dict[str, Any]) -> dict[str, Any]:
        """For each update, domain and image one style, or two for mode seeking."""
        shape = (num_rows(batch), self._num_styles, self.style_dim)
        names = ("d_styles_a", "d_styles_b", "g_styles_a", "g_styles_b")
        return {name: draws.normal(name, shape) for name in names}

    def check_batch(self, batch: dict[str, Any]) -> None:
        """Raises `ValueError` unless a batch is what `fit` needs."""
        super().check_batch(batch)
        if self.vgg is not None:
            self.frozen["vgg"].check()

    def _run(self, part: str, domain: str, inputs: Any) -> Any:
        return getattr(self, f"{part}_{domain}")(inputs)

    def _encode(self, domain: str, images: Any) -> list[Any]:
        """The contents and the styles of images of a domain."""
        return [self._run(part, domain, images) for part in PARTS[:2]]

    def _judge(self, domain: str, images: Any, real: bool) -> Any:
        """The adversarial loss, a sum over the scales of a discriminator."""
        scores = self._run("discriminator", domain, images)
        return sum(self._adversarial_loss(each, real) for each in scores)

    def _translations(self, domain: str, contents: Any, styles: list[Any]) -> Any:
        """Images of a domain with the contents, once with each of the styles."""
        contents = ops.concatenate([contents] * len(styles))
        images = self._run("decoder", domain, [contents, ops.concatenate(styles)])
        return ops.split(images, len(styles))

    def _judgments(self, batch, draws):
        terms = {}
        for x, y in DIRECTIONS:
            contents = self._run("content_encoder", y, batch[f"images_{y}"])
            styles = ops.unstack(draws[f"d_styles_{x}"], self._num_styles, axis=1)
            fakes = self._translations(x, contents, styles)
            # With two fakes, for mode seeking, real images count twice.
            real = self._judge(x, batch[f"images_{x}"], real=True)
            terms[f"real_{x}"] = len(fakes) * real
            terms[f"fake_{x}"] = sum(self._judge(x, z, real=False) for z in fakes)
        return terms

    def _generator_losses(self, batch, draws):
        terms, codes = {}, {x: self._encode(x, batch[f"images_{x}"]) for x in "ab"}
        for x, y in DIRECTIONS:
            images, (contents, own_styles) = batch[f"images_{y}"], codes[y]
            styles = ops.unstack(draws[f"g_styles_{x}"], self._num_styles, axis=1)
            fakes = self._translations(x, contents, styles)
            contents_again, styles_again = self._encode(x, fakes[0])
            reconstructed = self._run("decoder", y, codes[y])
            terms[f"adversarial_{x}"] = sum(self._judge(x, z, real=True) for z in fakes)
            terms[f"image_{y}"] = l1_loss(reconstructed, images)
            terms[f"style_{x}"] = l1_loss(styles_again, styles[0])
            # Both sides of this term move: the contents are no constant in it.
            terms[f"content_{y}"] = l1_loss(contents_again, contents)
            if self.lambda_cycle:
                cycled = self._run("decoder", y, [contents_again, own_styles])
                terms[f"cycle_{y}"] = l1_loss(cycled, images)
            if self.lambda_vgg:
                terms[f"vgg_{x}"] = perceptual_loss(self.vgg, fakes[0], images)
            if self.lambda_ms:
                distances = (global_mean(l1_loss(*pair)) for pair in (fakes, styles))
                terms[f"ms_{x}"] = mode_seeking_loss(*distances)
        return terms

    # Use.

    def latent_conditions(self, latents: Any, targets: Any) -> Any:
        """Latent codes are styles; beside each of them, the one-hot target."""
        parts = (ops.cast(part, self.float_dtype) for part in (latents, targets))
        return ops.concatenate([*parts], axis=1)

    def reference_conditions(self, references: Any, targets: Any) -> Any:
        """Styles of references by the encoders of their domain, beside the target."""
        of_a, of_b = (self._run("style_encoder", x, references) for x in "ab")
        styles = ops.where(targets[:, :1] > 0.5, of_a, of_b)
        return self.latent_conditions(styles, targets)

    def translate_batch(self, images: Any, conditions: Any) -> Any:
        """Gives the contents of images a style of the target domain."""
        styles, images = conditions[:, :-2], ops.cast(images, self.float_dtype)
        for i, (x, y) in enumerate(DIRECTIONS):

            def translated(z, x=x, y=y):
                contents = self._run("content_encoder", y, z)
                return self._run("decoder", x, [contents, styles])

            chosen = conditions[:, self.style_dim + i] > 0.5
            images = translate_rows(translated, images, chosen)
        return images
