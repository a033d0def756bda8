"""Training on TensorFlow: steps on one device or on several replicas."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import tensorflow as tf
from keras import tree

from keras_stargan.networks.batch_normalization import statistics_kept
from keras_stargan.networks.global_batch import Replica, one_replica
from keras_stargan.networks.recomputation import recomputation
from keras_stargan.training.backends.graphs import (
    gradients_forgotten,
    traced_once,
    unfused,
)
from keras_stargan.training.updates import Tensors, Update, WholeBatch
from keras_stargan.training.workers import distribute, worker_of


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

    Several workers (processes, maybe on several machines) run the same steps side by
    side. Each draws the random numbers of the whole batch, and takes those of its rows.

    Args:
        model: an `AdversarialModel` with its updates and optimizers.

    Attributes:
        trackers: the mean of each loss since the start of the epoch, by its name.
        host_step: how many steps the model's weights have seen, as the host counts.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.strategy = model.distribute_strategy
        self.several_workers = worker_of(self.strategy).count > 1
        self.host_step = 0
        updates = model._updates_by_name.values()
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
            ValueError: if there is not a single batch, or if several workers get other
                data than a dataset.
        """
        if isinstance(x, tf.distribute.DistributedDataset):
            return x, None, True  # Its batches are already on the replicas.
        if self.several_workers and not isinstance(x, tf.data.Dataset):
            raise ValueError(
                "Several workers need a tf.data.Dataset that gives each of them the "
                f"same batches; received {type(x).__name__}."
            )
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
        if self.several_workers:
            # TensorFlow's own sharding takes the rows of uneven batches in another
            # order.
            x = distribute(self.strategy, x)
        return x, first, shuffled

    # Steps.

    def make_function(self, train: bool) -> Callable[[Iterator], dict[str, tf.Tensor]]:
        """What Keras calls for each execution, with an iterator over batches."""
        model = self.model
        updates = model._updates_by_name

        @functools.cache
        def step_function(*due: tuple[str, tuple[str, ...]]) -> Callable:
            # Of each update its name, and the lazy terms that it leaves out.
            chosen = tuple(updates[name].without(terms) for name, terms in due)
            chosen = chosen if train else tuple(updates.values())
            step = functools.partial(self._step, chosen, train)
            if model.run_eagerly:
                return step
            networks = model.networks.values()

            def traced(data: Any) -> dict[str, tf.Tensor]:
                with traced_once(networks), gradients_forgotten():
                    return step(data)

            return tf.function(traced, autograph=False, reduce_retracing=True)

        def due_now() -> Iterator[tuple[str, tuple[str, ...]]]:
            step = self.host_step
            for name in model.due_updates(step) if train else ():
                yield name, updates[name].left_out(step)

        def function(iterator: Iterator) -> dict[str, tf.Tensor]:
            logs = None
            steps = range(model.steps_per_execution)
            for _, data in zip(steps, iterator, strict=False):
                with unfused():
                    logs = step_function(*due_now())(data)
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
        sizes = self._sizes(tree.flatten(batch)[0])
        batch = dict(strategy.run(self._prepared, (batch,)))
        whole = functools.partial(self._whole, sizes)
        draws = model.draw(model.draws_of(step), whole(batch))
        draws = tree.map_structure(self._cast, dict(draws))

        def run(update: Update) -> Tensors:
            losses, tensors = strategy.run(
                self._replica_update, (update, batch, draws, sizes, train)
            )
            # All in one, since several workers wait for each other in each sum.
            losses = tf.unstack(strategy.reduce("SUM", losses, axis=None))
            for name, loss in zip(update.log_names(), losses, strict=True):
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

    def _sizes(self, values: Any) -> tf.Tensor:
        """How many images each replica has, of all workers."""
        if self.several_workers:

            def own(part):
                count = self.strategy.num_replicas_in_sync
                replica = tf.distribute.get_replica_context().replica_id_in_sync_group
                return tf.one_hot(replica, count, dtype=tf.int32) * tf.shape(part)[0]

            sizes = self.strategy.run(own, (values,))
            return self.strategy.reduce("SUM", sizes, axis=None)
        parts = self.strategy.experimental_local_results(values)
        return tf.stack([tf.shape(part)[0] for part in parts])

    def _whole(self, sizes: tf.Tensor, batch: Tensors) -> Mapping[str, tf.Tensor]:
        """The rows of all replicas, in order."""
        if self.strategy.num_replicas_in_sync == 1:
            return batch

        def gather(value):
            parts = self.strategy.experimental_local_results(value)
            if self.several_workers:
                everyone = self.strategy.run(self._of_all_replicas, (value, sizes))
                everyone = self.strategy.experimental_local_results(everyone)[0]
                parts = tf.split(everyone, self.strategy.num_replicas_in_sync)
            # An empty part was filled up for the kernels.
            rows = [part[: sizes[i]] for i, part in enumerate(parts)]
            return tf.concat(rows, axis=0)

        return WholeBatch(batch, gather, tf.reduce_sum(sizes))

    @staticmethod
    def _of_all_replicas(values: tf.Tensor, sizes: tf.Tensor) -> tf.Tensor:
        """The rows of all replicas, with as many for each as the largest part has."""
        most = tf.maximum(tf.reduce_max(sizes), 1)
        missing = most - tf.shape(values)[0]
        values = tf.pad(values, [[0, missing], *[[0, 0]] * (values.shape.rank - 1)])
        return tf.distribute.get_replica_context().all_gather(values, axis=0)

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
    ) -> tuple[tf.Tensor, Tensors]:
        """One update on one replica: its losses, weighted by its share, and tensors."""
        model = self.model
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        start, size = tf.reduce_sum(sizes[:replica]), sizes[replica]
        draws = tree.map_structure(lambda d: d[start : start + size], draws)
        draws = self._not_empty(draws)
        rows = tf.reduce_sum(sizes)
        share = tf.cast(size / rows, model.float_dtype)
        if not train:
            # Losses are computed as in training, but the model stays as it is.
            with statistics_kept():
                losses, tensors = self._shared(update, batch, draws, share, rows)
            return tf.stack([losses[name] for name in update.log_names()]), tensors
        losses, tensors, gradients = self._make_gradient_function(update)(
            batch, draws, share, rows
        )
        for network, values in gradients.items():
            variables = getattr(model, network).trainable_variables
            model.optimizers[network].apply_gradients(
                zip(values, variables, strict=True)
            )
        return tf.stack([losses[name] for name in update.log_names()]), tensors

    def _make_gradient_function(self, update: Update) -> Callable:
        """What gives the losses, the tensors, and the gradients of each network."""
        model = self.model

        def losses_and_gradients(batch, draws, share, rows):
            variables = {
                name: [v.value for v in getattr(model, name).trainable_variables]
                for name in update.networks
            }
            with (
                recomputation(model.recompute),
                tf.GradientTape(watch_accessed_variables=False) as tape,
            ):
                tape.watch(variables)
                losses, tensors = self._shared(update, batch, draws, share, rows)
                loss = losses[f"{update.name}/loss"]
                for name in update.networks:
                    loss = model.optimizers[name].scale_loss(loss)
            return losses, tensors, tape.gradient(loss, variables)

        function = losses_and_gradients
        if model.accumulate > 1:
            function = functools.partial(_in_parts, function, model.accumulate)
        if not model.jit_compile:
            return function
        return tf.function(
            function,
            jit_compile=True,
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

        several = self.strategy.num_replicas_in_sync > 1
        for name in model.averaged:
            average = getattr(model, f"average_{name}")
            pairs = zip(average.weights, getattr(model, name).weights, strict=True)
            for old, new in pairs:
                if several:
                    self.strategy.extended.update(old.value, move, args=(new.value,))
                else:
                    move(old.value, new.value)  # Makes the same graph in less time.


def _in_parts(
    function: Callable,
    count: int,
    batch: Tensors,
    draws: Tensors,
    share: tf.Tensor,
    rows: tf.Tensor,
) -> tuple[dict[str, tf.Tensor], Tensors, dict[str, list[tf.Tensor]]]:
    """Losses and gradients of a batch, computed part after part.

    Each is a mean over the images, so it is the mean of the parts' by their sizes.

    Args:
        function: takes the four arguments below, and gives the losses, tensors with a
            row for each image, and gradients.
        count: how many parts, or fewer if there are fewer images.
        batch: a replica's.
        draws: likewise.
        share: what the replica's losses are multiplied by.
        rows: images in the global batch.
    """
    total = tf.shape(tree.flatten(batch)[0])[0]
    size = -(-total // count)  # Rounded up: only the last part may be smaller.
    traced = tf.function(function, autograph=False)

    def arguments(index: Any) -> tuple:
        start = index * size
        end = tf.minimum(start + size, total)
        mine = tree.map_structure(lambda values: values[start:end], (batch, draws))
        return *mine, share * tf.cast((end - start) / total, share.dtype), rows

    def add(index: tf.Tensor, sums: Any, tensors: Any) -> tuple:
        losses, more, gradients = traced(*arguments(index))
        return (
            index + 1,
            tree.map_structure(tf.add, sums, (losses, gradients)),
            tree.map_structure(lambda a, b: tf.concat([a, b], 0), tensors, more),
        )

    # What there is to add up, and no rows yet of the tensors.
    specs = traced.get_concrete_function(*arguments(0)).structured_outputs
    losses, tensors, gradients = tree.map_structure(
        lambda spec: tf.zeros([side or 0 for side in spec.shape], spec.dtype), specs
    )
    any_rows = tree.map_structure(lambda spec: spec.shape, specs)
    _, (losses, gradients), tensors = tf.while_loop(
        lambda index, *_: index * size < total,
        add,
        (0, (losses, gradients), tensors),
        (tf.TensorShape([]), (any_rows[0], any_rows[2]), any_rows[1]),
        parallel_iterations=1,  # The memory of one part is all that is taken.
    )
    return losses, tensors, gradients


def _at_least_one(values: tf.Tensor) -> tf.Tensor:
    """A replica's part of a batch, or one example of zeros (and no share) if empty.

    Not every kernel can do with nothing: oneDNN's fused convolutions cannot.
    """
    missing = tf.maximum(1 - tf.shape(values)[0], 0)
    return tf.pad(values, [[0, missing], *[[0, 0]] * (values.shape.rank - 1)])
