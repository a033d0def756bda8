"""The training engine: a method's networks and its list of updates make a step."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_stargan.networks.dtypes import output_dtype
from keras_stargan.networks.frozen import FrozenNetwork
from keras_stargan.networks.weights import copy_weights
from keras_stargan.training.backends import training_backend
from keras_stargan.training.randomness import Draws
from keras_stargan.training.updates import Tensors, Update


class AdversarialModel(keras.Model):
    """A Keras model trained by a list of updates instead of one loss.

    A method subclasses it, holds its networks as attributes, and writes:

    - `updates`: the `Update`s of one step in their order, all on one batch;
    - `draw(draws, batch)`: every random number of a step, for the global batch;
    - `make_optimizers()`: the optimizer of each network.

    A batch is a dictionary of named tensors, each with a row for each image. It is
    prepared once, before the random numbers are drawn. A step is a function of the
    model's state, its batch and the seed.

    Args:
        seed: of every random draw in training.
        **kwargs: as for `keras.Model`. `dtype="float64"` computes everything in
            double precision.
    """

    # Networks that have a moving average of their weights, in `average_NAME`.
    averaged: tuple[str, ...] = ()
    # How much of itself an average keeps at each step.
    average_decay: float = 0.999
    # Whether the decay at step t is at most (1 + t) / (10 + t), so that the average
    # of a short run is not mostly the initial weights.
    average_warmup: bool = False
    # Whether a layer or a loss needs means over all replicas' images, as batch
    # normalization does. XLA compiles a replica by itself, so it cannot be used then.
    crosses_replicas: bool = False
    # Whether the generator calls its blocks by `call_block`, so that `recompute` works.
    can_recompute: bool = False

    def __init__(self, seed: int = 0, **kwargs) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        # Pretrained networks that training does not change, by their names.
        self.frozen: dict[str, FrozenNetwork] = {}
        # How many steps the weights have seen; saved with them.
        self.step = self.add_weight(
            (), initializer="zeros", dtype="int64", trainable=False, name="step"
        )

    @property
    def global_step(self) -> int:
        """How many steps the weights have seen."""
        return int(ops.convert_to_numpy(self.step.value))

    @property
    def float_dtype(self) -> str:
        """The type of images, losses and labels: float32, or float64 if asked for."""
        return output_dtype(self.dtype_policy)

    # What a method writes.

    @property
    def updates(self) -> tuple[Update, ...]:
        """The updates of a step, in their order."""
        raise NotImplementedError(f"{type(self).__name__} must define `updates`.")

    def draw(self, draws: Draws, batch: Tensors) -> Tensors:
        """Every random number of one step, a row for each image of the global batch."""
        raise NotImplementedError(f"{type(self).__name__} must define `draw`.")

    def make_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        """The published optimizer of each network, by the network's name."""
        raise NotImplementedError(
            f"{type(self).__name__} must define `make_optimizers`."
        )

    def learning_rate_factor(
        self, step: int, total_steps: int, steps_per_epoch: int
    ) -> float:
        """The published schedule: what the learning rates are multiplied by.

        Args:
            step: how many steps the weights have seen.
            total_steps: the length of training.
            steps_per_epoch: steps in one pass over the data.
        """
        return 1.0

    def training_state(self) -> dict[str, tuple[tuple[int, ...], str]]:
        """What an update's `between` keeps from step to step: shapes and dtypes.

        `compile` makes weights of these names, filled with zeros. They are saved with
        a compiled model. A model that is loaded with `compile=False` has none.
        """
        return {}

    def name_batch(self, x: Any, y: Any = None) -> Tensors:
        """What `fit` was given as a dictionary of named tensors."""
        if isinstance(x, dict) and y is None:
            return x
        return {"images": x} if y is None else {"images": x, "labels": y}

    def prepare(self, batch: Tensors) -> Tensors:
        """What `draw` and the losses take: once a step, for all updates.

        Args:
            batch: one replica's part of a batch.

        Returns:
            A dictionary of tensors, with a row for each row of the batch.
        """
        return {
            name: ops.cast(values, self.float_dtype) for name, values in batch.items()
        }

    def check_batch(self, batch: Tensors) -> None:
        """Raises `ValueError` if a batch of training data cannot be used."""

    @property
    def networks(self) -> dict[str, keras.Model]:
        """The networks that are trained, by their names."""
        names = dict.fromkeys(name for u in self.updates for name in u.networks)
        return {name: getattr(self, name) for name in names}

    # Averages.

    def add_average(self, name: str, make: Callable[..., keras.Model]) -> None:
        """Gives a network a moving average of its weights.

        Args:
            name: of the attribute that holds the network, one of `averaged`.
            make: makes a network of the same structure, given its `name`.
        """
        average = make(name=f"average_{name}")
        average.trainable = False
        copy_weights(getattr(self, name), average)
        setattr(self, f"average_{name}", average)

    def current_average_decay(self) -> Any:
        """How much of itself an average keeps at the present step."""
        if not self.average_warmup:
            return self.average_decay
        step = ops.cast(self.step.value, self.float_dtype)
        return ops.minimum(self.average_decay, (1.0 + step) / (10.0 + step))

    # Frozen networks.

    def add_frozen(
        self,
        name: str,
        network: keras.Model,
        read: Callable[[keras.Model, str | os.PathLike], None],
        help: str,
        file: str | os.PathLike | dict[str, str] | keras.Model | None = None,
    ) -> None:
        """Holds a pretrained network as an attribute, for a loss or as a layer.

        Saved models refer to the file of its weights, see `FrozenNetwork`: the model's
        constructor has an argument of this name, and gives it on as `file`.

        Args:
            name: of the attribute, and of the constructor's argument.
            network: the network.
            read: takes the network and a file, and gives the network the file's
                weights.
            help: what the network is needed for and how it gets its weights.
            file: the file to read; or its path and its SHA-256, as saved models have
                them: the error of a missing file then waits until the network is used.
                Or the network itself, if it has its weights already and saved models
                are to contain it.

        Raises:
            OSError: if there is no such file.
            ValueError: if `file` is something else.
            Exception: whatever `read` raises.
        """
        setattr(self, name, network)
        self.frozen[name] = frozen = FrozenNetwork(network, read, help)
        if isinstance(file, str | os.PathLike):
            frozen.load(file)
        elif file is network:
            frozen.has_weights = frozen.is_contained = True
        elif file is not None:
            frozen.find(file)

    @property
    def frozen_weights(self) -> list[keras.Variable]:
        """The weights of the networks that training does not change."""
        return [w for name in self.frozen for w in getattr(self, name).weights]

    # Compilation.

    def compile(
        self,
        optimizers: dict[str, keras.optimizers.Optimizer] | None = None,
        jit_compile: bool | str = "auto",
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        accumulate: int = 1,
        recompute: bool = False,
        **network_optimizers: keras.optimizers.Optimizer,
    ) -> None:
        """Sets what `fit` needs.

        Args:
            optimizers: the optimizer of each network, by the network's name. A
                network that is not named gets the published one.
            jit_compile: whether losses and gradients are compiled with XLA.
                "auto": on where there is a GPU; on CPUs XLA's convolutions are
                about half as fast as TensorFlow's own.
            run_eagerly: whether to run step by step in Python, for debugging.
            steps_per_execution: how many steps run between callbacks.
            accumulate: in how many parts each batch is computed, one after the other,
                to take less memory where images fill it. The gradients are added up,
                which takes as much memory as the weights once more. The result equals
                that of the whole batch but for rounding.
            recompute: whether the generator's blocks are computed a second time for
                the gradient, to take less memory.
            **network_optimizers: the same by keyword, as `generator_optimizer=...`.

        Raises:
            RuntimeError: on a Keras backend that cannot train.
            ValueError: for a network that no update trains, float16 where one loss
                moves several networks, XLA where replicas need each other's means,
                parts of a batch where its images need each other, or `recompute` for a
                method whose generator has no such blocks.
        """
        if accumulate < 1:
            raise ValueError(f"accumulate must be at least 1; received {accumulate}.")
        if accumulate > 1 and self.crosses_replicas:
            raise ValueError(
                f"{type(self).__name__} needs means over all images of a batch, which "
                f"cannot be computed in parts; received accumulate={accumulate}."
            )
        if recompute and not self.can_recompute:
            raise ValueError(
                f"{type(self).__name__} has no blocks that can be computed a second "
                "time; received recompute=True."
            )
        self.accumulate, self.recompute = accumulate, recompute
        backend = training_backend()
        # Saved as it was asked for: the model may be loaded on another machine.
        self._asked_jit_compile = jit_compile
        crosses = self.crosses_replicas and backend.num_replicas() > 1
        if jit_compile == "auto":
            jit_compile = backend.has_gpu() and not crosses
        elif jit_compile and crosses:
            raise ValueError(
                f"{type(self).__name__} needs means over all replicas' images, which "
                "XLA cannot compile; give jit_compile=False."
            )
        super().compile(
            optimizer=None,
            jit_compile=jit_compile and not run_eagerly,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
        )
        given = dict(optimizers or {})
        for keyword, optimizer in network_optimizers.items():
            if optimizer is not None:
                given[keyword.removesuffix("_optimizer")] = optimizer
        self.optimizers = self._chosen_optimizers(given)
        self._updates_by_name = {update.name: update for update in self.updates}
        self._trainer = backend.Trainer(self)

    def make_training_state(self) -> None:
        """Makes the weights of `training_state`, where there are none yet."""
        for name, (shape, dtype) in self.training_state().items():
            if not hasattr(self, name):
                weight = self.add_weight(
                    shape, "zeros", dtype, trainable=False, name=name
                )
                setattr(self, name, weight)

    def load_own_variables(self, store: Any) -> None:
        """Loads the step, and the training state where both file and model have it."""
        for i, variable in enumerate(self._non_trainable_variables):
            if str(i) in store:
                variable.assign(store[str(i)])

    def _chosen_optimizers(
        self, given: dict[str, Any]
    ) -> dict[str, keras.optimizers.Optimizer]:
        updates, trained = self.updates, self.networks
        if unknown := [name for name in given if name not in trained]:
            raise ValueError(
                f"There is no network {unknown[0]!r} to train; {type(self).__name__} "
                f"trains {', '.join(trained)}."
            )
        defaults = self.make_optimizers()
        # Saved files number the optimizers in this order.
        names = [name for name in defaults if name in trained]
        chosen = {
            name: keras.optimizers.get(given.get(name) or defaults[name])
            for name in names
        }
        if self.dtype_policy.name != "mixed_float16":
            return chosen
        if shared := [u.name for u in updates if len(u.networks) > 1]:
            raise ValueError(
                "mixed_float16 scales the loss of each optimizer by itself, but the "
                f"updates {', '.join(shared)} move several networks by one loss; use "
                "mixed_bfloat16."
            )
        scaled = keras.optimizers.LossScaleOptimizer
        return {
            name: optimizer if isinstance(optimizer, scaled) else scaled(optimizer)
            for name, optimizer in chosen.items()
        }

    def get_compile_config(self) -> dict[str, Any] | None:
        """Returns what `compile` was given, for saving."""
        if not self.compiled:
            return None
        return keras.saving.serialize_keras_object(
            {
                "optimizers": dict(self.optimizers),
                "jit_compile": self._asked_jit_compile,
                "run_eagerly": self.run_eagerly,
                "steps_per_execution": self.steps_per_execution,
                "accumulate": self.accumulate,
                "recompute": self.recompute,
            }
        )

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles as a saved model was, its optimizers ready for their state."""
        self.compile(**keras.saving.deserialize_keras_object(config))

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The means of the losses since the start of the epoch."""
        return list(self._trainer.trackers.values()) if self.compiled else []

    # Training.

    def draws_of(self, step: Any) -> Draws:
        """The source of a step's random numbers, for `draw`."""
        return Draws(self.seed, step)

    def due_updates(self, step: int) -> tuple[str, ...]:
        """The names of the updates that happen in the step after `step` steps."""
        updates = self._updates_by_name
        return tuple(name for name in updates if updates[name].is_due(step))

    def fit(self, x: Any = None, y: Any = None, *args, **kwargs) -> Any:
        """Trains; as `keras.Model.fit`, with the first batch looked at beforehand.

        Args:
            x: endless or finite batches of what the method needs: dictionaries of
                named tensors, or (images, labels); or the images as one array.
            y: labels, if `x` is an array of images.
            *args: as for `keras.Model.fit`.
            **kwargs: likewise.

        Raises:
            ValueError: if there is no batch, or `check_batch` finds fault with it.
        """
        self._assert_compile_called("fit")
        x, first, comes_shuffled = self._trainer.first_batch(x, y)
        if first is not None:
            self.check_batch(self.named_batch(first))
        # Keras would warn that it cannot shuffle what comes shuffled.
        if comes_shuffled:
            kwargs.setdefault("shuffle", False)
        return super().fit(x, y, *args, **kwargs)

    def named_batch(self, data: Any) -> Tensors:
        """What Keras' data adapters give as a dictionary of named tensors.

        Raises:
            ValueError: for sample weights, which adversarial training has no use for.
        """
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        empty = self._trainer.is_empty
        if not empty(sample_weight):
            raise ValueError("sample_weight is not used in adversarial training.")
        return self.name_batch(x, None if empty(y) else y)

    # What Keras' training loop calls. Its own functions run a step inside the
    # replicas, where an update could not be left out.

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None):
        """Does nothing: `compile` found the networks and the optimizers built.

        Keras' own would add up a batch over all replicas, and fail where some of these
        are on other machines.
        """

    def make_train_function(self, force: bool = False) -> None:
        """Makes the function that `fit` calls for each execution."""
        # The step is counted on the host from here on, so that which updates are due
        # is known without waiting for the device.
        self._trainer.host_step = self.global_step
        if self.train_function is None or force:
            self.train_function = self._trainer.make_function(train=True)

    def make_test_function(self, force: bool = False) -> None:
        """Makes the function that `evaluate` calls for each execution."""
        if self.test_function is None or force:
            self.test_function = self._trainer.make_function(train=False)
