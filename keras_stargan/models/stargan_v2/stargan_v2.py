"""StarGAN v2 (Choi et al., CVPR 2020, arXiv:1912.01865)."""

import functools
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_stargan.images import check_images, warn_if_unsigned
from keras_stargan.labels import LabelSet, LabelSpace, numbered_labels
from keras_stargan.models.batches import in_batches
from keras_stargan.models.fan.fan_heatmaps import masks as masks_of_heatmaps
from keras_stargan.models.fan.fan_networks import FAN
from keras_stargan.models.stargan_v2.stargan_v2_losses import (
    discriminator_losses,
    generator_losses,
)
from keras_stargan.models.stargan_v2.stargan_v2_networks import (
    Discriminator,
    Generator,
    MappingNetwork,
    StyleEncoder,
)
from keras_stargan.training import Adam, AdversarialModel, Update, input_gradient
from keras_stargan.training.averages import move_averages
from keras_stargan.training.randomness import Draws

# The networks whose averages are sampled from (StarGAN v2, appendix).
AVERAGED = ("generator", "mapping_network", "style_encoder")
# Of so many styles is the mean that truncation moves towards.
TRUNCATION_SAMPLES = 10_000


@keras.saving.register_keras_serializable("keras_stargan")
class StarGANv2(AdversarialModel):
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
            a FAN finds keep their edges (`stargan_v2_pytorch.load_fan`). Defaults
            to 0, no filter.
        lambda_reg: weight of the R1 penalty. Defaults to 1.
        lambda_sty: weight of the style reconstruction. Defaults to 1.
        lambda_ds: weight of the diversity term at the start. Defaults to 1 (AFHQ:
            2).
        lambda_cyc: weight of the cycle consistency. Defaults to 1.
        ds_iter: steps over which the weight of the diversity term falls linearly to
            0. Defaults to 100,000.
        average_decay: how much the averages keep at each step. Defaults to 0.999.
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
        seed: int = 0,
        **kwargs,
    ) -> None:
        domains = _domains(num_domains, domains)
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
        self.style_dim = style_dim
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

        of_images = {
            "image_size": image_size,
            "base_dim": base_dim,
            "max_dim": max_dim,
            "dtype": self.dtype_policy,
        }
        makers = {
            "generator": functools.partial(
                Generator, **of_images, style_dim=style_dim, w_hpf=w_hpf
            ),
            "mapping_network": functools.partial(
                MappingNetwork,
                len(domains),
                latent_dim,
                style_dim,
                hidden_dim,
                dtype=self.dtype_policy,
            ),
            "style_encoder": functools.partial(
                StyleEncoder,
                **of_images,
                num_domains=len(domains),
                style_dim=style_dim,
            ),
            "discriminator": functools.partial(
                Discriminator, **of_images, num_domains=len(domains)
            ),
        }
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
            "sty": self.lambda_sty,
            "ds": lambda: -self.diversity_weight(),
            "cyc": self.lambda_cyc,
        }
        of_d_by, of_g_by = self._discriminator_losses, self._generator_losses
        return tuple(
            Update(name, functools.partial(loss, styles_from), weights, networks)
            for name, loss, styles_from, weights, networks in (
                ("D_latent", of_d_by, self._latent_styles, of_d, ("discriminator",)),
                ("D_ref", of_d_by, self._reference_styles, of_d, ("discriminator",)),
                ("G_latent", of_g_by, self._latent_styles, of_g, AVERAGED),
                ("G_ref", of_g_by, self._reference_styles, of_g, ("generator",)),
            )
        )

    def diversity_weight(self) -> Any:
        """The weight of the diversity term at the present step."""
        done = ops.cast(self.step, "float32") / self.ds_iter
        return self.lambda_ds * ops.maximum(1.0 - done, 0.0)

    def draw(self, draws: Draws, batch: Any) -> dict[str, Any]:
        """Two latent codes for each image."""
        shape = (ops.shape(batch[0][1])[0], self.latent_dim)
        return {name: draws.normal(name, shape) for name in ("z", "z2")}

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
            self.mapping_network([draws[name], batch[2]], training=True)
            for name in ("z", "z2")
        )

    def _reference_styles(self, batch, draws):
        _, _, domains, *references = batch
        return tuple(
            self.style_encoder([several, domains], training=True)
            for several in references
        )

    def _discriminator_losses(self, styles_from, batch, draws):
        batch = _flat(batch)
        images, domains, target_domains = batch[:3]
        styles, _ = styles_from(batch, draws)
        masks = [self.make_masks(images)] if self.w_hpf else []
        return discriminator_losses(
            functools.partial(self.discriminator, training=True),
            images,
            domains,
            self.generator([images, styles, *masks], training=True),
            target_domains,
            input_gradient,
        )

    def _generator_losses(self, styles_from, batch, draws):
        batch = _flat(batch)
        images, domains, target_domains = batch[:3]
        styles, other_styles = styles_from(batch, draws)
        return generator_losses(
            functools.partial(self.generator, training=True),
            functools.partial(self.style_encoder, training=True),
            functools.partial(self.discriminator, training=True),
            images,
            domains,
            target_domains,
            styles,
            other_styles,
            masks=self.make_masks(images) if self.w_hpf else None,
            make_masks=self.make_masks if self.w_hpf else None,
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
        for what, values in (
            ("domains", domains),
            ("reference_domains", target_domains),
        ):
            self._check_domains(values, len(images), what)
        if any(len(several) != len(images) for several in references):
            raise ValueError(
                f"There must be two references for each of {len(images)} images; "
                f"received {' and '.join(str(len(x)) for x in references)}."
            )
        warn_if_unsigned(images)
        if self.w_hpf and not self.has_fan:
            raise ValueError(
                f"w_hpf={self.w_hpf} needs a trained FAN to find the parts of faces: "
                "load_fan of keras_stargan.models.stargan_v2.stargan_v2_pytorch reads "
                "wing.ckpt; or use w_hpf=0."
            )

    # Use.

    def call(self, inputs: Any) -> Any:
        """Translates `[images, styles]` by the averaged generator."""
        images, styles = inputs
        masks = [self.make_masks(images)] if self.w_hpf else []
        return self.average_generator([images, styles, *masks])

    def styles_of_latents(
        self, latents: Any, domain: Any, psi: float = 1.0, batch_size: int = 256
    ) -> np.ndarray:
        """Styles of a domain from latent codes, by the averaged mapping network.

        Args:
            latents: `(n, latent_dim)`, normally distributed.
            domain: its name or number, or `(n,)` numbers.
            psi: truncation: 1 for the styles themselves, less for styles nearer to
                the mean of the domain's.
            batch_size: how many are computed at once.

        Returns:
            A float32 array `(n, style_dim)`.

        Raises:
            ValueError: for another shape or an unknown domain.
        """
        latents = np.asarray(latents, "float32")
        if latents.ndim != 2 or latents.shape[1] != self.latent_dim or not len(latents):
            raise ValueError(
                f"latents must have shape (n, {self.latent_dim}), n > 0; received "
                f"{latents.shape}."
            )
        domains = self._numbers(domain, len(latents))
        styles = in_batches(
            lambda z, y: self.average_mapping_network([z, y]),
            batch_size,
            latents,
            domains,
        )
        if psi == 1.0:
            return styles
        means = {number: self.mean_style(number) for number in np.unique(domains)}
        mean = np.stack([means[number] for number in domains])
        return (mean + np.float32(psi) * (styles - mean)).astype("float32")

    def mean_style(self, domain: Any, seed: int = 0) -> np.ndarray:
        """The mean style of a domain, of 10,000 latent codes: `(style_dim,)`.

        Args:
            domain: its name or number.
            seed: of the latent codes.
        """
        shape = (TRUNCATION_SAMPLES, self.latent_dim)
        latents = np.random.default_rng(seed).standard_normal(shape, "float32")
        return self.styles_of_latents(latents, domain).mean(axis=0)

    def styles_of_references(
        self, references: Any, domain: Any, batch_size: int = 32
    ) -> np.ndarray:
        """The styles of images of a domain, by the averaged style encoder.

        Args:
            references: `(n, image_size, image_size, 3)`, values from -1 to 1.
            domain: theirs: its name or number, or `(n,)` numbers.
            batch_size: how many are looked at at once.

        Returns:
            A float32 array `(n, style_dim)`.

        Raises:
            ValueError: for other shapes, values or an unknown domain.
        """
        references = np.asarray(references, "float32")
        check_images(references, self.image_size, "references")
        return in_batches(
            lambda x, y: self.average_style_encoder([x, y]),
            batch_size,
            references,
            self._numbers(domain, len(references)),
        )

    def translate(
        self,
        images: Any,
        domain: Any = None,
        latents: Any = None,
        references: Any = None,
        styles: Any = None,
        psi: float = 1.0,
        batch_size: int = 32,
    ) -> np.ndarray:
        """Translates images to a domain, in styles of latents or references.

        Args:
            images: `(n, image_size, image_size, 3)`, values from -1 to 1.
            domain: to which: its name or number, or `(n,)` numbers. Of the
                references, too. Not with `styles`, which are of a domain already.
            latents: `(n, latent_dim)`, or one for all images, `(1, latent_dim)`.
            references: as the images, or one for all of them.
            styles: `(n, style_dim)`, or one for all images: instead of both.
            psi: truncation of the latents' styles, as for `styles_of_latents`.
            batch_size: how many are translated at once.

        Returns:
            A float32 array `(n, image_size, image_size, 3)`, values from -1 to 1.

        Raises:
            ValueError: for other shapes or values, an unknown domain, or not exactly
                one of `latents`, `references` and `styles`.
        """
        images = np.asarray(images, "float32")
        check_images(images, self.image_size)
        given = {"latents": latents, "references": references, "styles": styles}
        given = [name for name, value in given.items() if value is not None]
        if len(given) != 1:
            raise ValueError(
                "Give one of latents, references and styles; received "
                f"{' and '.join(given) or 'none'}."
            )
        if (domain is None) == (styles is None):
            raise ValueError(
                "Give the domain of latents or references, and none with styles; "
                f"received domain={domain!r} with {given[0]}."
            )
        if styles is None:
            domain = np.asarray(self._numbers(domain, len(images)))
            sources = np.asarray(latents if references is None else references)
            if len(sources) == 1 and np.all(domain == domain[0]):
                domain = domain[:1]
            if len(sources) not in (1, len(images)):
                raise ValueError(
                    f"There must be as many {given[0]} as images, {len(images)}, or "
                    f"one for all; received {len(sources)}."
                )
            if len(sources) < len(domain):
                sources = np.repeat(sources, len(domain), axis=0)
            styles = (
                self.styles_of_references(sources, domain)
                if latents is None
                else self.styles_of_latents(sources, domain, psi)
            )
        styles = np.asarray(styles, "float32")
        if len(styles) == 1:
            styles = np.repeat(styles, len(images), axis=0)
        if styles.shape != (len(images), self.style_dim):
            raise ValueError(
                f"styles must have shape ({len(images)}, {self.style_dim}) or "
                f"(1, {self.style_dim}); received {styles.shape}."
            )
        outputs = in_batches(lambda x, s: self([x, s]), batch_size, images, styles)
        # The generator ends without tanh.
        return np.clip(outputs, -1.0, 1.0)

    @property
    def has_fan(self) -> bool:
        """Whether there is a FAN with weights of its own."""
        return self.fan is not None and bool(
            np.any(ops.convert_to_numpy(self.fan.weights[-1]))
        )

    # Checks.

    def _numbers(self, domain: Any, count: int) -> np.ndarray:
        """The number of the domain of each of `count` things."""
        if isinstance(domain, str):
            domain = self.domains.index(domain)
        domains = np.asarray(domain)
        if domains.ndim == 0:
            domains = np.full(count, domains)
        self._check_domains(domains, count, "domain")
        return domains.astype("int32")

    def _check_domains(self, domains: np.ndarray, count: int, what: str) -> None:
        # Out of range, the networks would give zeros and say nothing.
        names = self.domains.names
        if domains.shape != (count,):
            raise ValueError(
                f"{what} must be whole numbers of shape ({count},); received shape "
                f"{domains.shape}."
            )
        wrong = [
            d
            for d in domains.ravel().tolist()
            if d != int(d) or not 0 <= d < len(names)
        ]
        if wrong:
            raise ValueError(
                f"{what} must be whole numbers from 0 to {len(names) - 1} "
                f"({', '.join(names)}); received {wrong[0]}."
            )

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this model again."""
        names = (
            "image_size",
            "latent_dim",
            "style_dim",
            "hidden_dim",
            "base_dim",
            "max_dim",
            "w_hpf",
            "lambda_reg",
            "lambda_sty",
            "lambda_ds",
            "lambda_cyc",
            "ds_iter",
            "average_decay",
            "seed",
        )
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


def _flat(batch: Any) -> tuple:
    """The parts as the networks take them; people have float64 pixels."""
    images, domains, target_domains, *references = _parts(batch)
    return (
        ops.cast(images, "float32"),
        ops.cast(domains, "int32"),
        ops.cast(target_domains, "int32"),
        *(ops.cast(several, "float32") for several in references),
    )
