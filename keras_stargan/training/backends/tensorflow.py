"""Training on TensorFlow: steps on one device or on several replicas."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf
from keras import tree

from keras_stargan.networks.batch_normalization import statistics_kept
from keras_stargan.networks.global_batch import Replica, one_replica
from keras_stargan.training.updates import Tensors, Update


def has_gpu() -> bool:
    """Whether there is a GPU."""
    return bool(tf.config.list_logical_devices("GPU"))


def num_replicas() -> int:
    """How many replicas share a batch where this is called."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def peak_gpu_bytes() -> int | None:
    """The memory of the first GPU that this process took at most; None without one."""
    if not has_gpu():
        return None
    return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])


def input_gradient(function: Callable, inputs: tf.Tensor) -> tf.Tensor:
    """The gradient of `sum(function(inputs))` by `inputs`, itself differentiable."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(inputs)
        outputs = function(inputs)
    return tape.gradient(outputs, inputs)


class Trainer:
    """The steps of a compiled model.

    Under `tf.distribute`, optimizers may only be called directly in a replica, not
    inside XLA. So each update is a `strategy.run` of its own, within which losses and
    gradients are compiled with XLA. Which updates are due is decided here on the host:
    one function is compiled for each set of due updates.

    A replica's losses are weighted by its share of the global batch, so that N
    replicas give what one device gives, also when they do not share evenly.

    Args:
        model: an `AdversarialModel` with its updates and optimizers.

    Attributes:
        trackers: the mean of each loss since the start of the epoch, by its name.
        host_step: how many steps the model's weights have seen, as the host counts.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.strategy = model.distribute_strategy
        self.host_step = 0
        updates = model._updates_by_name.values()
        self._gradient_functions = {
            update.name: self._make_gradient_function(update) for update in updates
        }
        with self.strategy.scope():
            model.make_training_state()
            for name, optimizer in model.optimizers.items():
                optimizer.build(getattr(model, name).trainable_variables)
            self.trackers = {
                name: keras.metrics.Mean(name=name, dtype=model.float_dtype)
                for update in updates
                for name in update.log_names()
            }

    # Training data.

    @staticmethod
    def is_empty(part: Any) -> bool:
        """Whether Keras' data adapters left a part of a batch empty."""
        return part is None or isinstance(part, tf.experimental.Optional)

    def first_batch(self, x: Any, y: Any) -> tuple[Any, Any, bool]:
        """Looks at the first batch of training data.

        Returns:
            The data to train on; its first batch, or None if it cannot be looked at;
            and whether it comes in an order of its own.

        Raises:
            ValueError: if there is not a single batch.
        """
        if isinstance(x, tf.distribute.DistributedDataset):
            return x, None, False  # Its batches are already on the replicas.
        shuffled = isinstance(x, tf.data.Dataset | Iterator)
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
        return x, first, shuffled

    # Steps.

    def make_function(self, train: bool) -> Callable[[Iterator], dict[str, tf.Tensor]]:
        """What Keras calls for each execution, with an iterator over batches."""
        model = self.model

        @functools.cache
        def step_function(names: tuple[str, ...]) -> Callable:
            due = tuple(model._updates_by_name[name] for name in names)
            step = functools.partial(self._step, due, train)
            if model.run_eagerly:
                return step
            return tf.function(step, autograph=False, reduce_retracing=True)

        every = tuple(model._updates_by_name)

        def function(iterator: Iterator) -> dict[str, tf.Tensor]:
            logs = None
            steps = range(model.steps_per_execution)
            for _, data in zip(steps, iterator, strict=False):
                due = model.due_updates(self.host_step) if train else every
                logs = step_function(due)(data)
                self.host_step += train
            if logs is None:
                raise StopIteration
            return logs

        return function

    def _step(
        self, due: tuple[Update, ...], train: bool, data: Any
    ) -> dict[str, tf.Tensor]:
        """The due updates on one global batch; the means to log.

        It runs outside the replicas.
        """
        model = self.model
        step = model.step.value if train else tf.constant(-1, tf.int64)
        self._run_updates(due, train, model.named_batch(data), step)
        logs = dict(model.get_metrics_result())
        if not train:
            return logs
        self._move_averages()
        model.step.assign_add(1)
        return logs | {
            f"{name}_rate": optimizer.learning_rate
            for name, optimizer in model.optimizers.items()
        }

    def _run_updates(
        self, due: tuple[Update, ...], train: bool, batch: Tensors, step: tf.Tensor
    ) -> None:
        model, strategy = self.model, self.strategy
        # How many images each replica has.
        parts = strategy.experimental_local_results(tree.flatten(batch)[0])
        sizes = tf.stack([tf.shape(part)[0] for part in parts])
        batch = dict(strategy.run(self._prepared, (batch,)))
        # What of the whole batch is not used, TensorFlow does not compute.
        whole = functools.partial(self._whole, sizes)
        draws = model.draw(model.draws_of(step), whole(batch))
        draws = tree.map_structure(self._cast, dict(draws))

        def run(update: Update) -> Tensors:
            losses, tensors = strategy.run(
                self._replica_update, (update, batch, draws, sizes, train)
            )
            for name, loss in losses.items():
                loss = strategy.reduce("SUM", loss, axis=None)
                self.trackers[name].update_state(loss, tf.reduce_sum(sizes))
            return tensors

        for update in due:
            if update.between is not None:
                tensors, state = update.between(whole(batch), draws)
                draws |= tensors
                for name, value in state.items() if train else ():
                    getattr(model, name).assign(value)
            if update.every > 1 and not update.gives:
                # A branch that is always taken. Without it, TensorFlow fuses operations
                # of this update with those before it: the rounding would depend on
                # which updates are due, and differ from that of earlier versions.
                tf.cond(step >= -1, functools.partial(run, update), dict)
            else:
                batch |= run(update)

    def _cast(self, values: tf.Tensor) -> tf.Tensor:
        """Random numbers are float32; a float64 model takes them as float64."""
        values = tf.convert_to_tensor(values)
        return (
            tf.cast(values, self.model.float_dtype)
            if values.dtype.is_floating
            else values
        )

    def _prepared(self, batch: Tensors) -> Tensors:
        """The prepared batch of one replica."""
        return self.model.prepare(self._not_empty(batch))

    def _whole(self, sizes: tf.Tensor, values: Any) -> Any:
        """The rows of all replicas, in order."""
        if self.strategy.num_replicas_in_sync == 1:
            return values

        def join(value):
            parts = self.strategy.experimental_local_results(value)
            # An empty part was filled up for the kernels.
            rows = [part[: sizes[i]] for i, part in enumerate(parts)]
            return tf.concat(rows, axis=0)

        return tree.map_structure(join, values)

    def _not_empty(self, values: Any) -> Any:
        """Values of which several replicas may have got none."""
        if self.strategy.num_replicas_in_sync == 1:
            return values
        return tree.map_structure(_at_least_one, values)

    def _replica_update(
        self,
        update: Update,
        batch: Tensors,
        draws: Tensors,
        sizes: tf.Tensor,
        train: bool,
    ) -> tuple[dict[str, tf.Tensor], Tensors]:
        """One update on one replica: its losses, weighted by its share, and tensors."""
        model = self.model
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        start, size = tf.reduce_sum(sizes[:replica]), sizes[replica]
        draws = tree.map_structure(lambda d: d[start : start + size], draws)
        draws = self._not_empty(draws)
        rows = tf.reduce_sum(sizes)
        share = tf.cast(size / rows, model.float_dtype)
        if not train:
            with statistics_kept():
                return self._shared(update, batch, draws, share, rows)
        losses, tensors, gradients = self._gradient_functions[update.name](
            batch, draws, share, rows
        )
        for network, values in gradients.items():
            variables = getattr(model, network).trainable_variables
            model.optimizers[network].apply_gradients(
                zip(values, variables, strict=True)
            )
        return losses, tensors

    def _make_gradient_function(self, update: Update) -> Callable:
        """What gives the losses, the tensors, and the gradients of each network."""
        model = self.model

        def losses_and_gradients(batch, draws, share, rows):
            variables = {
                name: [v.value for v in getattr(model, name).trainable_variables]
                for name in update.networks
            }
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(variables)
                losses, tensors = self._shared(update, batch, draws, share, rows)
                loss = losses[f"{update.name}/loss"]
                for name in update.networks:
                    loss = model.optimizers[name].scale_loss(loss)
            return losses, tensors, tape.gradient(loss, variables)

        # Within a function of its own, a replica could not ask for the others' means.
        several = self.strategy.num_replicas_in_sync > 1
        if model.run_eagerly or (several and not model.jit_compile):
            return losses_and_gradients
        return tf.function(
            losses_and_gradients,
            jit_compile=model.jit_compile,
            autograph=False,
            reduce_retracing=True,
        )

    def _shared(
        self,
        update: Update,
        batch: Tensors,
        draws: Tensors,
        share: tf.Tensor,
        rows: tf.Tensor,
    ) -> tuple[dict[str, tf.Tensor], Tensors]:
        """The losses of an update times `share`, and the tensors it gives."""
        replica = None
        if self.strategy.num_replicas_in_sync > 1:
            context = tf.distribute.get_replica_context()
            replica = Replica(
                functools.partial(context.all_reduce, tf.distribute.ReduceOp.SUM),
                share,
                rows,
            )
        with one_replica(replica):
            losses, tensors = update.losses(batch, draws)
        return {name: value * share for name, value in losses.items()}, tensors

    def _move_averages(self) -> None:
        """Moves the averages towards the weights, on each replica."""
        model = self.model
        if not model.averaged:
            return
        decay = model.current_average_decay()

        def move(old, new):
            old.assign(new + decay * (old - new))

        for name in model.averaged:
            average = getattr(model, f"average_{name}")
            pairs = zip(average.weights, getattr(model, name).weights, strict=True)
            for old, new in pairs:
                self.strategy.extended.update(old.value, move, args=(new.value,))


def _at_least_one(values: tf.Tensor) -> tf.Tensor:
    """A replica's part of a batch, or one example of zeros (and no share) if empty.

    Not every kernel can do with nothing: oneDNN's fused convolutions cannot.
    """
    missing = tf.maximum(1 - tf.shape(values)[0], 0)
    return tf.pad(values, [[0, missing], *[[0, 0]] * (values.shape.rank - 1)])
