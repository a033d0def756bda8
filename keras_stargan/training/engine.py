"""The training engine: a method's networks and its list of updates make a step."""

import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf
from keras import tree

from keras_stargan.training.randomness import Draws


@dataclasses.dataclass(frozen=True)
class Update:
    """One update of a training step: which loss moves whose weights, how often.

    Args:
        name: of the player, the first part of its losses' names in the logs.
        loss: (batch, draws) -> dict of scalar terms, each a mean over the batch.
            Draws are what the model's `draw` gave, this replica's share of them.
        weights: the weight of each term in the loss, by name, or a function without
            arguments that gives a weight which changes; these are also the terms
            that are logged, as `name/term`, and their sum as `name/loss`.
        networks: the attributes of the model that hold the networks to update,
            each by its own optimiser.
        every: the update happens on each `every`-th step.
        batches: where several data sets take turns, how many: then it happens on
            each `every`-th row of so many steps, on each step of that row.
    """

    name: str
    loss: Callable[[Any, Any], dict[str, tf.Tensor]]
    weights: dict[str, float | Callable[[], tf.Tensor]]
    networks: tuple[str, ...]
    every: int = 1
    batches: int = 1

    def log_names(self) -> tuple[str, ...]:
        """The names of its losses in the logs."""
        return tuple(f"{self.name}/{term}" for term in (*self.weights, "loss"))


class AdversarialModel(keras.Model):
    """A Keras model trained by a list of updates instead of one loss.

    A method subclasses it, holds its networks as attributes and gives:

    - `updates`: the `Update`s of one step, in their order, all on one batch;
    - `draw(draws, batch)`: every random number of a step, for the global batch,
      as a structure of tensors whose first axis is the batch.

    Two things shape the step. Under `tf.distribute`, optimisers may only be
    called directly in a replica, neither inside XLA nor inside a condition; and
    an update may be due only on some steps. So each update is a `strategy.run` of
    its own: the *condition* is around it, and only losses and gradients, within
    it, are compiled with XLA.

    A replica's losses are weighted by its share of the global batch, so that N
    replicas give what one device gives, also when they do not share evenly.

    Args:
        seed: of every random draw in training. A step is a function of the
            model's state, its batch, and this.
        **kwargs: as for `keras.Model`.
    """

    def __init__(self, seed: int = 0, **kwargs) -> None:
        if keras.backend.backend() != "tensorflow":
            raise RuntimeError(
                "Models train on TensorFlow, but Keras runs on "
                f"{keras.backend.backend()}; set the environment variable "
                "KERAS_BACKEND=tensorflow before Keras is imported. (Networks and "
                "losses by themselves run on any backend.)"
            )
        super().__init__(**kwargs)
        self.seed = seed
        # How many steps the weights have seen; saved with them.
        self.step = self.add_weight(
            (), initializer="zeros", dtype="int64", trainable=False, name="step"
        )

    @property
    def global_step(self) -> int:
        """How many steps the weights have seen."""
        # A replicated variable converts to NumPy, though not to an int.
        return int(self.step.value.numpy())

    # What a method gives.

    @property
    def updates(self) -> tuple[Update, ...]:
        """The updates of a step, in their order."""
        raise NotImplementedError(f"{type(self).__name__} must define `updates`.")

    def draw(self, draws: Draws, batch: Any) -> Any:
        """Every random number of one step, for the global batch."""
        raise NotImplementedError(f"{type(self).__name__} must define `draw`.")

    def prepare(self, batch: Any) -> Any:
        """What the losses take, of a replica's part of a batch: once for all updates.

        Tensors in any structure, with a row for each row of the batch.
        """
        return batch

    def check_batch(self, batch: Any) -> None:
        """Raises `ValueError` if a batch of training data cannot be used."""

    def after_updates(self) -> None:
        """What else a step changes; called outside the replicas."""

    # Compilation.

    def compile(
        self,
        optimizers: dict[str, keras.optimizers.Optimizer],
        jit_compile: bool | str = "auto",
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
    ) -> None:
        """Sets what `fit` needs.

        Args:
            optimizers: the optimiser of each network, by the network's name.
            jit_compile: whether losses and gradients are compiled with XLA.
                "auto": on where there is a GPU; on CPUs XLA's convolutions are
                about half as fast as TensorFlow's own.
            run_eagerly: whether to run step by step in Python, for debugging.
            steps_per_execution: how many steps run between callbacks.
        """
        # Saved as it was asked for: the model may be loaded on another machine.
        self._asked_jit_compile = jit_compile
        if jit_compile == "auto":
            jit_compile = bool(tf.config.list_logical_devices("GPU"))
        super().compile(
            optimizer=None,
            jit_compile=jit_compile and not run_eagerly,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
        )
        optimizers = {
            name: keras.optimizers.get(optimizer)
            for name, optimizer in optimizers.items()
        }
        if self.dtype_policy.name == "mixed_float16":
            shared = [u.name for u in self.updates if len(u.networks) > 1]
            if shared:
                raise ValueError(
                    f"mixed_float16 scales each optimiser's loss by itself, but the "
                    f"updates {', '.join(shared)} move several networks by one loss; "
                    "use mixed_bfloat16."
                )
            optimizers = {
                name: optimizer
                if isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
                else keras.optimizers.LossScaleOptimizer(optimizer)
                for name, optimizer in optimizers.items()
            }
        self.optimizers = optimizers
        self._steps = {update.name: update for update in self.updates}
        self._gradient_functions = {
            name: self._make_gradient_function(update)
            for name, update in self._steps.items()
        }
        with self.distribute_strategy.scope():
            for name, optimizer in optimizers.items():
                optimizer.build(getattr(self, name).trainable_variables)
            self._trackers = {
                name: keras.metrics.Mean(name=name)
                for update in self._steps.values()
                for name in update.log_names()
            }

    def get_compile_config(self) -> dict[str, Any] | None:
        """What `compile` was given, for saving."""
        if not self.compiled:
            return None
        return keras.saving.serialize_keras_object(
            {
                "optimizers": dict(self.optimizers),
                "jit_compile": self._asked_jit_compile,
                "run_eagerly": self.run_eagerly,
                "steps_per_execution": self.steps_per_execution,
            }
        )

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles as a saved model was, its optimisers ready for their state."""
        AdversarialModel.compile(self, **keras.saving.deserialize_keras_object(config))

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The means of the losses since the start of the epoch."""
        return list(self._trackers.values()) if self.compiled else []

    # Training data.

    def fit(self, x=None, y=None, *args, **kwargs) -> keras.callbacks.History:
        """Trains; as `keras.Model.fit`, with the first batch looked at beforehand.

        Raises:
            ValueError: if there is no batch, or `check_batch` finds fault with it.
        """
        x = self._check_first_batch(x, y)
        # These come shuffled; Keras would warn that it cannot.
        if isinstance(x, tf.data.Dataset | Iterator):
            kwargs.setdefault("shuffle", False)
        return super().fit(x, y, *args, **kwargs)

    def _check_first_batch(self, x: Any, y: Any) -> Any:
        """Checks what can be checked before training; gives the data to train on."""
        if isinstance(x, tf.distribute.DistributedDataset):
            return x  # Its batches are already on the replicas.
        if isinstance(x, tf.data.Dataset):
            first = next(iter(x.take(1)), None)
        elif isinstance(x, keras.utils.PyDataset):
            first = x[0] if x.num_batches != 0 else None
        elif isinstance(x, Iterator):
            first = next(x, None)
            # Keras knows generators, not other iterators.
            x = (batch for batch in itertools.chain([first], x))
        else:
            first = (x, y)
        if first is None:
            raise ValueError("The training data is empty: it has not a single batch.")
        self.check_batch(_images_and_rest(first))
        return x

    # The step.

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """All updates of one step on one global batch, and the means to log.

        Unlike Keras' own, it is called outside the replicas.
        """
        self._run_updates(data, self.step.value, train=True)
        self.after_updates()
        self.step.assign_add(1)
        rates = {
            f"{name}_rate": optimizer.learning_rate
            for name, optimizer in self.optimizers.items()
        }
        return self.get_metrics_result() | rates

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        """The losses of all updates on one global batch, changing no weight."""
        self._run_updates(data, tf.constant(-1, tf.int64), train=False)
        return self.get_metrics_result()

    def _run_updates(self, data: Any, step: tf.Tensor, train: bool) -> None:
        strategy = self.distribute_strategy
        batch = _images_and_rest(data)
        parts = strategy.experimental_local_results
        # What of the whole batch `draw` does not use, TensorFlow does not compute.
        whole = tree.map_structure(lambda x: tf.concat(parts(x), axis=0), batch)
        draws = self.draw(Draws(self.seed, step), whole)
        # How many images each replica has.
        sizes = tf.stack([tf.shape(part)[0] for part in parts(tree.flatten(batch)[0])])

        batch = strategy.run(self._replica_batch, (batch,))

        def run(update: Update) -> None:
            losses = strategy.run(
                self._replica_update, (update.name, batch, draws, sizes, train)
            )
            for name, loss in losses.items():
                loss = strategy.reduce("SUM", loss, axis=None)
                self._trackers[name].update_state(loss, tf.reduce_sum(sizes))

        for update in self._steps.values():
            if update.every == 1 or not train:
                run(update)
            else:
                due = tf.equal((step // update.batches + 1) % update.every, 0)
                tf.cond(due, functools.partial(run, update), lambda: None)

    def _replica_batch(self, batch: Any) -> Any:
        """The prepared batch of one replica."""
        return self.prepare(self._not_empty(batch))

    def _not_empty(self, values: Any) -> Any:
        """Values of which several replicas may have got none."""
        if self.distribute_strategy.num_replicas_in_sync == 1:
            return values
        return tree.map_structure(_at_least_one, values)

    def _replica_update(
        self, name: str, batch: Any, draws: Any, sizes: tf.Tensor, train: bool
    ) -> dict[str, tf.Tensor]:
        """One update on one replica; its losses, weighted by its share."""
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        start, size = tf.reduce_sum(sizes[:replica]), sizes[replica]
        draws = tree.map_structure(lambda d: d[start : start + size], draws)
        draws = self._not_empty(draws)
        share = tf.cast(size / tf.reduce_sum(sizes), tf.float32)
        if not train:
            return _weighted_losses(self._steps[name], batch, draws, share)
        losses, gradients = self._gradient_functions[name](batch, draws, share)
        for network, values in gradients.items():
            variables = getattr(self, network).trainable_variables
            self.optimizers[network].apply_gradients(
                zip(values, variables, strict=True)
            )
        return losses

    def _make_gradient_function(self, update: Update) -> Callable:
        """(batch, draws, share) -> losses and the gradients of each network."""

        def losses_and_gradients(batch, draws, share):
            variables = {
                name: [v.value for v in getattr(self, name).trainable_variables]
                for name in update.networks
            }
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(variables)
                losses = _weighted_losses(update, batch, draws, share)
                loss = losses[f"{update.name}/loss"]
                for name in update.networks:
                    loss = self.optimizers[name].scale_loss(loss)
            return losses, tape.gradient(loss, variables)

        if self.run_eagerly:
            return losses_and_gradients
        return tf.function(
            losses_and_gradients,
            jit_compile=self.jit_compile,
            autograph=False,
            reduce_retracing=True,
        )

    # What Keras' training loop calls. Its own functions run a step inside the
    # replicas, where an update could not be left out.

    def make_train_function(self, force: bool = False) -> None:
        """Makes the function that `fit` calls for each execution."""
        if self.train_function is None or force:
            self.train_function = self._make_step_function(self.train_step)

    def make_test_function(self, force: bool = False) -> None:
        """Makes the function that `evaluate` calls for each execution."""
        if self.test_function is None or force:
            self.test_function = self._make_step_function(self.test_step)

    def _make_step_function(self, step: Callable) -> Callable:
        if not self.run_eagerly:
            step = tf.function(step, autograph=False, reduce_retracing=True)

        def function(iterator: Iterator) -> dict[str, tf.Tensor]:
            logs = None
            for _, data in zip(range(self.steps_per_execution), iterator, strict=False):
                logs = step(data)
            if logs is None:
                raise StopIteration
            return logs

        return function


def _images_and_rest(data: Any) -> tuple:
    """The (x, y) of what Keras' data adapters give, without an empty third."""
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    if sample_weight is not None and not isinstance(
        sample_weight, tf.experimental.Optional
    ):
        raise ValueError("sample_weight is not used in adversarial training.")
    return x, y


def _at_least_one(values: tf.Tensor) -> tf.Tensor:
    """A replica's part of a batch, or one example of zeros (and no share) if empty.

    Not every kernel can do with nothing: oneDNN's fused convolutions cannot.
    """
    missing = tf.maximum(1 - tf.shape(values)[0], 0)
    return tf.pad(values, [[0, missing], *[[0, 0]] * (values.shape.rank - 1)])


def _weighted_losses(
    update: Update, batch: Any, draws: Any, share: tf.Tensor
) -> dict[str, tf.Tensor]:
    """The losses of an update by their names in the logs, times `share`."""
    terms = update.loss(batch, draws)
    weights = {
        term: weight() if callable(weight) else weight
        for term, weight in update.weights.items()
    }
    terms["loss"] = sum(weight * terms[term] for term, weight in weights.items())
    return {f"{update.name}/{term}": value * share for term, value in terms.items()}
