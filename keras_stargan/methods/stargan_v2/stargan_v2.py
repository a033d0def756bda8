"""StarGAN v2 (Choi et al., CVPR 2020, arXiv:1912.01865)."""

import functools
import itertools
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_stargan.images import check_images, warn_if_unsigned
from keras_stargan.labels import LabelSet, LabelSpace, numbered_labels
from keras_stargan.losses import adversarial_loss, wasserstein_loss
from keras_stargan.methods.stargan_v2.configurations import (
    CONFIGURATIONS,
    network_makers,
    style_size,
)
from keras_stargan.methods.stargan_v2.losses import (
    discriminator_losses,
    generator_losses,
    wasserstein_discriminator_losses,
)
from keras_stargan.methods.stargan_v2.translation import StyleTranslation
from keras_stargan.pretrained.fan.heatmaps import masks as masks_of_heatmaps
from keras_stargan.pretrained.fan.networks import FAN
from keras_stargan.training import Adam, AdversarialModel, Update, input_gradient
from keras_stargan.training.averages import move_averages
from keras_stargan.training.randomness import Draws

# Arguments of the model that its networks are made from, besides the domains.
NETWORK_SETTINGS = (
    "image_size",
    "latent_dim",
    "style_dim",
    "hidden_dim",
    "base_dim",
    "max_dim",
    "w_hpf",
)
TRAINING_SETTINGS = (
    "lambda_reg",
    "lambda_sty",
    "lambda_ds",
    "lambda_cyc",
    "ds_iter",
    "average_decay",
    "configuration",
    "seed",
)
# The networks whose averages are sampled from (StarGAN v2, appendix).
AVERAGED = ("generator", "mapping_network", "style_encoder")


@keras.saving.register_keras_serializable("keras_stargan")
class StarGANv2(StyleTranslation, AdversarialModel):
    """One generator for all domains that makes many pictures of one: by style codes.

    A style comes from a latent code by the mapping network, or from a reference image
    by the style encoder (StarGAN v2, section 2). `fit` takes batches of
    `((images, domains), (references, other_references, reference_domains))`, as
    `keras_stargan.data.reference_dataset` gives; the two references of a row are of
    the domain that its image is translated to.

    Translation, evaluation and export use moving averages of the weights.

    Args:
        image_size: height and width of the images in pixels, a power of two, at
            least 16. Defaults to 256.
        num_domains: number of domains, with the names "0", "1", ...; short for
            `domains`. Defaults to 2.
        domains: the names of the domains: a categorical `LabelSet`. Saved with the
            model.
        latent_dim: entries of a latent code. Defaults to 16.
        style_dim: entries of a style code. Defaults to 64.
        hidden_dim: features of the mapping network's layers. Defaults to 512.
        base_dim: channels of the first convolutions. Defaults to
            `2**14 / image_size`.
        max_dim: channels double up to this number. Defaults to 512.
        w_hpf: weight of the high-pass filter, 1 for CelebA-HQ: parts of a face that
            a FAN finds keep their edges (`pytorch.load_fan`). Defaults
            to 0, no filter.
        lambda_reg: weight of the R1 penalty. Defaults to 1.
        lambda_sty: weight of the style reconstruction. Defaults to 1.
        lambda_ds: weight of the diversity term at the start. Defaults to 1 (AFHQ:
            2).
        lambda_cyc: weight of the cycle consistency. Defaults to 1.
        ds_iter: steps over which the weight of the diversity term falls linearly to
            0. Defaults to 100,000.
        average_decay: how much the averages keep at each step. Defaults to 0.999.
        configuration: of the paper's ablation (table 1), "B" to "F", see
            `stargan_v2_configurations`. In B to D, `style_dim` follows from it, and
            there are no updates by references. Defaults to "F", StarGAN v2.
        seed: of every random draw in training. Defaults to 0.
        **kwargs: as for `keras.Model`.

    Raises:
        ValueError: for a size that is no power of two, no domain, both `num_domains`
            and `domains`, labels that are not categorical, or numbers out of range.

    Example:
        ```python
        model = keras_stargan.StarGANv2(image_size=256, num_domains=3)
        model.compile()
        model.fit(dataset, epochs=10, steps_per_epoch=1000)
        dogs = model.translate(images, domain=1, latents=latents)
        like_these = model.translate(images, domain=1, references=references)
        ```
    """

    def __init__(
        self,
        image_size: int = 256,
        num_domains: int | None = None,
        domains: LabelSet | None = None,
        latent_dim: int = 16,
        style_dim: int = 64,
        hidden_dim: int = 512,
        base_dim: int | None = None,
        max_dim: int = 512,
        w_hpf: float = 0.0,
        lambda_reg: float = 1.0,
        lambda_sty: float = 1.0,
        lambda_ds: float = 1.0,
        lambda_cyc: float = 1.0,
        ds_iter: int = 100_000,
        average_decay: float = 0.999,
        configuration: str = "F",
        seed: int = 0,
        **kwargs,
    ) -> None:
        domains = _domains(num_domains, domains)
        if configuration not in CONFIGURATIONS:
            raise ValueError(
                f"configuration must be one of {', '.join(CONFIGURATIONS)}; received "
                f"{configuration!r}. (A is the class StarGAN.)"
            )
        if configuration == "B" and w_hpf:
            raise ValueError(
                "Configuration B has StarGAN's generator, without a high-pass filter; "
                f"received w_hpf={w_hpf}."
            )
        if ds_iter < 1:
            raise ValueError(f"ds_iter must be at least 1; received {ds_iter}.")
        if not 0 <= average_decay <= 1:
            raise ValueError(
                f"average_decay must be from 0 to 1; received {average_decay}."
            )
        super().__init__(seed=seed, **kwargs)
        self.image_size = image_size
        self.domains = domains
        self.latent_dim = latent_dim
        self.style_dim = style_size(configuration, style_dim, latent_dim, len(domains))
        self.hidden_dim = hidden_dim
        self.base_dim = base_dim
        self.max_dim = max_dim
        self.w_hpf = w_hpf
        self.lambda_reg = lambda_reg
        self.lambda_sty = lambda_sty
        self.lambda_ds = lambda_ds
        self.lambda_cyc = lambda_cyc
        self.ds_iter = ds_iter
        self.average_decay = average_decay
        self.configuration = configuration

        makers = network_makers(
            configuration, **self.network_settings, dtype=self.dtype_policy
        )
        for name, make in makers.items():
            setattr(self, name, make(name=name))
        for name in AVERAGED:
            average = makers[name](name=f"average_{name}")
            average.trainable = False
            average.set_weights(getattr(self, name).get_weights())
            setattr(self, average.name, average)
        self.fan = FAN(name="fan") if w_hpf else None
        self.built = True

    def compile(
        self,
        generator_optimizer: keras.optimizers.Optimizer | None = None,
        mapping_network_optimizer: keras.optimizers.Optimizer | None = None,
        style_encoder_optimizer: keras.optimizers.Optimizer | None = None,
        discriminator_optimizer: keras.optimizers.Optimizer | None = None,
        jit_compile: bool | str = "auto",
        **kwargs,
    ) -> None:
        """Sets what `fit` needs.

        Args:
            generator_optimizer: defaults to the published one, `published_adam()`.
            mapping_network_optimizer: the same at a rate of 1e-6.
            style_encoder_optimizer: as the generator's.
            discriminator_optimizer: as the generator's.
            jit_compile: whether losses and gradients are compiled with XLA:
                True, False, or "auto", which is on where there is a GPU.
            **kwargs: as for `AdversarialModel.compile`.
        """
        super().compile(
            optimizers={
                "generator": generator_optimizer or published_adam(),
                "mapping_network": mapping_network_optimizer or published_adam(1e-6),
                "style_encoder": style_encoder_optimizer or published_adam(),
                "discriminator": discriminator_optimizer or published_adam(),
            },
            jit_compile=jit_compile,
            **kwargs,
        )

    # Training.

    @property
    def updates(self) -> tuple[Update, ...]:
        """D on latents, D on references, then G, F, E on latents, G on references."""
        of_d = {"real": 1.0, "fake": 1.0, "reg": self.lambda_reg}
        of_g = {
            "adv": 1.0,
            "sty": self.lambda_sty,  # In B and C, the term is always 0.
            "ds": 0.0,
            "cyc": self.lambda_cyc,
        }
        if self.configuration == "F":
            of_g["ds"] = lambda: -self.diversity_weight()
        trained = [name for name in AVERAGED if getattr(self, name).trainable_weights]

        def update(name, losses, styles, weights, *networks):
            return Update(name, functools.partial(losses, styles), weights, networks)

        d, g = self._discriminator_losses, self._generator_losses
        latent, reference = self._latent_styles, self._reference_styles
        by_latents = (
            update("D_latent", d, latent, of_d, "discriminator"),
            update("G_latent", g, latent, of_g, *trained),
        )
        if self.configuration in ("B", "C", "D"):
            return by_latents
        by_references = (
            update("D_ref", d, reference, of_d, "discriminator"),
            update("G_ref", g, reference, of_g, "generator"),
        )
        return tuple(itertools.chain(*zip(by_latents, by_references, strict=True)))

    def diversity_weight(self) -> Any:
        """The weight of the diversity term at the present step."""
        done = ops.cast(self.step, "float32") / self.ds_iter
        return self.lambda_ds * ops.maximum(1.0 - done, 0.0)

    def draw(self, draws: Draws, batch: Any) -> dict[str, Any]:
        """Two latent codes for each image; for B, where between two images to look."""
        count = ops.shape(batch[0][1])[0]
        latents = (count, self.latent_dim)
        drawn = {name: draws.normal(name, latents) for name in ("z", "z2")}
        if self.configuration == "B":
            drawn["alpha"] = draws.uniform("alpha", (count,))
        return drawn

    def prepare(self, batch: Any) -> dict[str, Any]:
        """The parts as the networks take them, and masks, which all updates share."""
        images, domains, target_domains, *references = _parts(batch)
        # People have pixels in float64.
        images, *references = (ops.cast(x, "float32") for x in (images, *references))
        prepared = {
            "images": images,
            "domains": ops.cast(domains, "int32"),
            "target_domains": ops.cast(target_domains, "int32"),
            "references": references,
        }
        if self.w_hpf:
            prepared["masks"] = self.make_masks(images)
        return prepared

    def after_updates(self) -> None:
        """Moves the averages towards the weights."""
        for name in AVERAGED:
            move_averages(
                self.distribute_strategy,
                getattr(self, f"average_{name}"),
                getattr(self, name),
                self.average_decay,
            )

    def make_masks(self, images: Any) -> Any:
        """The two masks of faces that the high-pass filter takes, `(n, 256, 256, 2)`.

        Args:
            images: `(n, image_size, image_size, 3)` in [-1, 1], of aligned faces.
        """
        return masks_of_heatmaps(self.fan(images))

    def _latent_styles(self, batch, draws):
        """Styles of the target domains, and others of them."""
        return tuple(
            self.mapping_network([draws[name], batch["target_domains"]], training=True)
            for name in ("z", "z2")
        )

    def _reference_styles(self, batch, draws):
        return tuple(
            self.style_encoder([several, batch["target_domains"]], training=True)
            for several in batch["references"]
        )

    def _discriminator_losses(self, styles_from, batch, draws):
        styles, _ = styles_from(batch, draws)
        masks = [batch["masks"]] if self.w_hpf else []
        given = {
            "discriminator": functools.partial(self.discriminator, training=True),
            "real": batch["images"],
            "domains": batch["domains"],
            "fake": self.generator([batch["images"], styles, *masks], training=True),
            "target_domains": batch["target_domains"],
            "input_gradient": input_gradient,
        }
        if self.configuration == "B":
            return wasserstein_discriminator_losses(**given, alpha=draws["alpha"])
        return discriminator_losses(**given)

    def _generator_losses(self, styles_from, batch, draws):
        styles, other_styles = styles_from(batch, draws)
        return generator_losses(
            functools.partial(self.generator, training=True),
            functools.partial(self.style_encoder, training=True),
            functools.partial(self.discriminator, training=True),
            batch["images"],
            batch["domains"],
            batch["target_domains"],
            styles,
            other_styles,
            masks=batch.get("masks"),
            make_masks=self.make_masks if self.w_hpf else None,
            adversarial=(
                wasserstein_loss if self.configuration == "B" else adversarial_loss
            ),
        )

    def check_batch(self, batch: Any) -> None:
        """Raises `ValueError` unless a batch is what `fit` needs."""
        try:
            images, domains, target_domains, *references = (
                np.asarray(part) for part in _parts(batch)
            )
        except (TypeError, ValueError) as error:
            raise ValueError(
                "Batches must be ((images, domains), (references, other_references, "
                "reference_domains)), as keras_stargan.data.reference_dataset gives."
            ) from error
        check_images(images, self.image_size)
        for several in references:
            check_images(several, self.image_size, "references")
        # Out of range, the networks would give zeros and say nothing.
        self.domains.to_indices(domains, len(images), "domains")
        self.domains.to_indices(target_domains, len(images), "reference_domains")
        if any(len(several) != len(images) for several in references):
            raise ValueError(
                f"There must be two references for each of {len(images)} images; "
                f"received {' and '.join(str(len(x)) for x in references)}."
            )
        warn_if_unsigned(images)
        if self.w_hpf and not self.has_fan:
            raise ValueError(
                f"w_hpf={self.w_hpf} needs a trained FAN to find the parts of faces: "
                "load_fan of keras_stargan.methods.stargan_v2.pytorch reads "
                "wing.ckpt; or use w_hpf=0."
            )

    # Use.

    def call(self, inputs: Any) -> Any:
        """Translates `[images, styles]` by the averaged generator."""
        images, styles = inputs
        masks = [self.make_masks(images)] if self.w_hpf else []
        return self.average_generator([images, styles, *masks])

    @property
    def has_fan(self) -> bool:
        """Whether there is a FAN with weights of its own."""
        return self.fan is not None and bool(
            np.any(ops.convert_to_numpy(self.fan.weights[-1]))
        )

    @property
    def network_settings(self) -> dict[str, Any]:
        """What the networks are made from, and their weight tables."""
        settings = {name: getattr(self, name) for name in NETWORK_SETTINGS}
        return settings | {"num_domains": len(self.domains)}

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this model again."""
        names = (*NETWORK_SETTINGS, *TRAINING_SETTINGS)
        return (
            super().get_config()
            | {"domains": LabelSpace.of(self.domains).get_config()}
            | {name: getattr(self, name) for name in names}
        )


def published_adam(learning_rate: float = 1e-4) -> Adam:
    """StarGAN v2's optimiser: beta1 0, beta2 0.99, coupled weight decay 1e-4.

    Args:
        learning_rate: the rate; the published one of the mapping network is 1e-6.
    """
    return Adam(learning_rate, beta_1=0.0, beta_2=0.99, coupled_weight_decay=1e-4)


def _domains(num_domains: int | None, domains: Any) -> LabelSet:
    if num_domains is not None and domains is not None:
        raise ValueError("Give num_domains or domains, not both.")
    if domains is None:
        num_domains = 2 if num_domains is None else num_domains
        if num_domains < 1:
            raise ValueError(f"num_domains must be at least 1; received {num_domains}.")
        domains = numbered_labels(num_domains)
    space = LabelSpace.of(domains)
    if len(space.sets) > 1 or space.sets[0].kind != "categorical":
        raise ValueError(
            "The domains of StarGAN v2 are one categorical LabelSet; received "
            f"{domains!r}."
        )
    return space.sets[0]


def _parts(batch: Any) -> tuple:
    """Images, their domains, the target domains, and both references."""
    (images, domains), (references, other_references, target_domains) = batch
    return images, domains, target_domains, references, other_references
