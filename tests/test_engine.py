"""The training engine: replicas, XLA, randomness, rates."""

import functools
import gc
import re
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from replicas import DEVICES, two_replicas
from test_stargan import make_data, make_dataset, make_model, weights

import keras_stargan
from keras_stargan.networks import BatchNormalization
from keras_stargan.training import Adam, AdversarialModel, input_gradient
from keras_stargan.training.callbacks import (
    LearningRateSchedule,
    ProgressBar,
    StopOnNaN,
    TensorBoard,
)
from keras_stargan.training.randomness import Draws
from keras_stargan.training.strategies import make_strategy
from keras_stargan.training.updates import Update


def train(strategy, dataset, optimizer, jit_compile=False, epochs=1):
    with strategy.scope():
        model = make_model()
        model.compile(
            {"generator": optimizer(), "discriminator": optimizer()},
            jit_compile=jit_compile,
            # Of one device, tracing the graph would take longer than the steps.
            run_eagerly=strategy.num_replicas_in_sync == 1,
        )
    history = model.fit(dataset, epochs=epochs, verbose=0)
    return weights(model), history.history


def test_two_replicas_with_xla_equal_one_device():
    # Not Adam: it would blow up the rounding of gradients that are 0 but for it.
    sgd = functools.partial(keras.optimizers.SGD, 1e-2)
    one, history_one = train(
        tf.distribute.get_strategy(), make_dataset(4), sgd, epochs=2
    )
    two, history_two = train(two_replicas(), make_dataset(4), sgd, True, epochs=2)
    for a, b in zip(one, two, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    for name in history_one:
        np.testing.assert_allclose(history_one[name], history_two[name], rtol=1e-4)


@pytest.mark.usefixtures("graph_optimiser")
def test_replicas_that_share_unevenly_equal_one_device():
    # 4 + 1: the last batch leaves the second replica without any image.
    dataset = tf.data.Dataset.from_tensor_slices(make_data(5)).batch(4)
    adam = functools.partial(Adam, 1e-3)
    one, history_one = train(tf.distribute.get_strategy(), dataset, adam)
    two, history_two = train(two_replicas(), dataset, adam)
    differences = np.concatenate(
        [np.abs(a - b).ravel() for a, b in zip(one, two, strict=True)]
    )
    assert np.mean(differences < 1e-5) > 0.99
    for name in history_one:
        np.testing.assert_allclose(history_one[name], history_two[name], rtol=1e-4)


def test_target_labels_are_shuffled_over_the_global_batch():
    seen = []

    class Spy(keras_stargan.StarGAN):
        def _discriminator_losses(self, batch, draws):
            tf.py_function(
                lambda own, target: seen.append((own.numpy(), target.numpy())),
                [batch["labels"], draws["target_labels"]],
                [],
            )
            return super()._discriminator_losses(batch, draws)

    with two_replicas().scope():
        model = make_model(cls=Spy)
        model.compile(run_eagerly=True)
    images, _ = make_data(4)
    labels = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0]], "float32")
    dataset = tf.data.Dataset.from_tensors((images, labels)).repeat(8)
    model.fit(dataset, verbose=0)
    # Within a replica all labels are alike, so another one came from the other.
    assert any(np.any(own != target) for own, target in seen)


@pytest.mark.parametrize("gpus, auto", [([], False), (["GPU:0"], True)])
def test_xla_is_as_asked_for_and_by_default_on_for_gpus(monkeypatch, gpus, auto):
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: gpus)
    model = make_model()
    for asked, given in (("auto", auto), (True, True), (False, False)):
        model.compile(jit_compile=asked)
        assert model.jit_compile is given
        assert model.get_compile_config()["jit_compile"] == asked


def test_losses_and_gradients_are_compiled_with_xla():
    class NotForXLA(keras_stargan.StarGAN):
        def _discriminator_losses(self, batch, draws):
            tf.py_function(lambda: None, [], [])
            return super()._discriminator_losses(batch, draws)

    model = make_model(cls=NotForXLA)
    model.compile(jit_compile=True)
    with pytest.raises(tf.errors.InvalidArgumentError, match="EagerPyFunc"):
        model.fit(make_dataset(1), verbose=0)


def test_eager_training_equals_graph_training():
    histories = []
    for eager in (False, True):
        model = make_model(n_critic=1)
        model.compile(run_eagerly=eager)
        histories.append(model.fit(make_dataset(2), verbose=0).history)
    for name in histories[0]:
        np.testing.assert_allclose(histories[0][name], histories[1][name], rtol=1e-4)


def test_several_steps_an_execution_equal_single_steps():
    models = []
    for steps_per_execution in (1, 2):
        model = make_model()
        model.compile(steps_per_execution=steps_per_execution)
        model.fit(make_dataset(4), verbose=0)
        models.append(model)
    for a, b in zip(weights(models[0]), weights(models[1]), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_graphs_of_a_model_that_is_gone_are_freed():
    """TensorFlow would keep those with gradients of our own as long as it lives."""

    def graphs_after_training():
        model = make_model()
        model.compile()
        model.fit(*make_data(4), batch_size=4, verbose=0)
        del model
        gc.collect()
        return sum(isinstance(item, tf.Graph) for item in gc.get_objects())

    first = graphs_after_training()
    # Keras keeps one that makes functions of initial values.
    assert graphs_after_training() <= first + 1


def test_another_seed_trains_otherwise():
    models = []
    for seed in (0, 1):
        model = make_model(seed=seed)
        model.compile(run_eagerly=True)
        model.fit(make_dataset(2), verbose=0)
        models.append(model)
    a, b = (model.discriminator.get_weights()[0] for model in models)
    assert np.any(a != b)


def test_draws_follow_from_seed_step_and_name_alone():
    def numbers(seed, step, name):
        return Draws(seed, step).uniform(name, (4,)).numpy()

    same = numbers(1, 2, "alpha")
    draws = Draws(1, 2)
    draws.permutation("target", 5)
    np.testing.assert_array_equal(draws.uniform("alpha", (4,)), same)
    for other in (numbers(2, 2, "alpha"), numbers(1, 3, "alpha"), numbers(1, 2, "z")):
        assert np.all(other != same)


def test_permutations_have_every_index_once():
    permutation = Draws(0, 0).permutation("target", 64).numpy()
    assert sorted(permutation) == list(range(64))
    assert list(permutation) != sorted(permutation)


def test_input_gradient_can_be_differentiated_again():
    x = tf.constant([1.0, 2.0, 3.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        gradient = input_gradient(lambda v: v**3, x)
    np.testing.assert_allclose(gradient, 3 * x**2)
    np.testing.assert_allclose(tape.gradient(gradient, x), 6 * x)


def test_a_method_without_updates_is_told_so():
    with pytest.raises(NotImplementedError, match="must define `updates`"):
        AdversarialModel().compile({})


@pytest.mark.parametrize(
    "step, factor", [(0, 1.0), (50, 1.0), (60, 0.8), (99, 0.02), (100, 0.0)]
)
def test_linear_decay_falls_in_the_second_half(step, factor):
    assert make_model().learning_rate_factor(step, 100, 10) == pytest.approx(factor)


def test_learning_rates_of_both_optimizers_follow_the_global_step():
    model = make_model()
    model.compile(model.make_optimizers(1e-3), run_eagerly=True)
    decay = LearningRateSchedule(model, total_steps=8, steps_per_epoch=3)
    for _ in range(2):  # as a run that was stopped after three of its steps
        history = model.fit(
            make_dataset(3), callbacks=[decay], verbose=0, shuffle=False
        ).history
    # The sixth step comes after five.
    assert history["generator_rate"][-1] == pytest.approx(1e-3 * 3 / 4)
    assert history["discriminator_rate"][-1] == pytest.approx(1e-3 * 3 / 4)


def test_progress_bar_fits_the_terminal_until_the_epoch_ends(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    bar = ProgressBar()
    bar.set_params({"verbose": 0, "epochs": 1, "steps": 2})
    logs = {f"D/term{i}": 0.12345 for i in range(9)} | {"G/loss": 1e-5, "rate": 1e-4}
    bar.on_train_begin()
    bar.on_epoch_begin(0)
    bar.on_train_batch_end(0, logs)
    live = capsys.readouterr().out
    bar.on_epoch_end(0, logs)
    final = capsys.readouterr().out
    width = len(re.sub(r"\x1b\[\d+m|[\b\r\n]", "", live))
    assert width <= 100 and "G/loss" in live and "D/term0" in live
    assert all(name in final for name in logs)


def test_a_step_makes_no_summary_that_nobody_writes(tmp_path, monkeypatch):
    """TensorFlow would keep memory for each."""
    made = []
    callback = TensorBoard(tmp_path, write_graph=False)
    callback.set_model(make_model())
    callback.on_train_begin()
    callback.on_train_batch_begin(0)
    module = types.SimpleNamespace(scalar=lambda *_, **__: made.append(1))
    monkeypatch.setattr(TensorBoard, "summary", module)
    callback.on_train_batch_end(0, {"loss": 1.0})
    assert made == []


def test_nan_stops_the_run_naming_step_and_loss():
    model = make_model()
    model.compile(
        generator_optimizer=Adam(1e-3),
        discriminator_optimizer=Adam(1e38),
        run_eagerly=True,
    )
    with pytest.raises(FloatingPointError, match=r"After step 2, D/cls.*not finite"):
        model.fit(make_dataset(4), callbacks=[StopOnNaN()], verbose=0)


@pytest.mark.parametrize("corrects_epsilon", [True, False])
def test_adam_moves_weights_as_pytorch_or_as_torch_7_does(corrects_epsilon):
    rng = np.random.RandomState(0)
    value = rng.randn(5).astype("float32")
    # Some gradients of the order of epsilon, where its place shows.
    gradients = rng.randn(4, 5).astype("float32") * [1, 1e-2, 1e-7, 1e-8, 0]
    variable = keras.Variable(value)
    optimizer = Adam(0.1, 0.5, 0.99, 1e-8, corrects_epsilon=corrects_epsilon)
    optimizer.build([variable])
    m = v = np.zeros(5)
    for t, gradient in enumerate(gradients, start=1):
        optimizer.apply([tf.constant(gradient, tf.float32)], [variable])
        m = 0.5 * m + 0.5 * gradient
        v = 0.99 * v + 0.01 * gradient**2
        correction = np.sqrt(1 - 0.99**t)
        if corrects_epsilon:
            root = np.sqrt(v) / correction + 1e-8
        else:
            root = (np.sqrt(v) + 1e-8) / correction
        value = value - 0.1 * m / (1 - 0.5**t) / root
        np.testing.assert_allclose(variable, value, rtol=1e-3, atol=1e-6)


def test_adam_refuses_amsgrad():
    with pytest.raises(ValueError, match="amsgrad"):
        Adam(amsgrad=True)


@pytest.mark.parametrize(
    "name, devices, message",
    [
        ("one", ["GPU:7"], "no device GPU:7; there are CPU:0"),
        ("one", DEVICES, "takes one device; received CPU:0, CPU:1"),
        ("ring", None, "'mirrored' or 'multiworker'; received 'ring'"),
    ],
)
def test_impossible_strategies_are_refused(name, devices, message):
    with pytest.raises(ValueError, match=message):
        make_strategy(name, devices)


def test_mirrored_strategy_has_a_replica_for_each_device():
    assert make_strategy("mirrored", DEVICES).num_replicas_in_sync == 2


class TwoStages(AdversarialModel):
    """Learns pairs without labels: the first network for two steps, then the second."""

    def __init__(self):
        super().__init__()
        self.first, self.second = keras.layers.Dense(1), keras.layers.Dense(1)
        self.first.build((None, 2))
        self.second.build((None, 2))

    @property
    def updates(self):
        stages = {"first": range(2), "second": range(2, 4)}
        return tuple(
            Update(
                name,
                functools.partial(self.distance, getattr(self, name)),
                {"distance": 1.0},
                (name,),
                steps=steps,
            )
            for name, steps in stages.items()
        )

    def draw(self, draws, batch):
        return {}

    def make_optimizers(self):
        return {name: keras.optimizers.SGD(0.1) for name in ("first", "second")}

    @staticmethod
    def distance(network, batch, draws):
        errors = network(batch["inputs"]) - batch["targets"]
        return {"distance": keras.ops.mean(errors**2)}


def test_stages_follow_each_other_on_paired_batches_also_after_a_stop():
    model = TwoStages()
    model.compile(run_eagerly=True)
    pairs = {"inputs": np.ones((4, 2), "f"), "targets": np.full((4, 1), 9.0, "f")}
    dataset = tf.data.Dataset.from_tensors(pairs).repeat()
    changed = []
    for _ in range(3):  # The third time, both stages are over.
        before = [np.array(net.kernel) for net in (model.first, model.second)]
        model.fit(dataset, steps_per_epoch=2, verbose=0)
        after = [np.array(net.kernel) for net in (model.first, model.second)]
        changed.append(
            [bool(np.any(a != b)) for a, b in zip(before, after, strict=True)]
        )
    assert changed == [[True, False], [False, True], [False, False]]


class OnlyStatistics(AdversarialModel):
    """Has an update that trains nothing, but moves running statistics."""

    def __init__(self):
        super().__init__()
        self.norm = BatchNormalization()
        self.norm.build((None, 2))

    @property
    def updates(self):
        def mean(batch, draws):
            normalized = self.norm(batch["inputs"], training=True)
            return {"mean": keras.ops.mean(normalized)}

        return (Update("statistics", mean, {"mean": 1.0}, ()),)

    def draw(self, draws, batch):
        return {}

    def make_optimizers(self):
        return {}


@pytest.mark.parametrize("run_eagerly", [True, False])
def test_an_update_without_networks_moves_running_statistics(run_eagerly):
    model = OnlyStatistics()
    model.compile(run_eagerly=run_eagerly)
    inputs = np.arange(8, dtype="float32").reshape(4, 2)
    dataset = tf.data.Dataset.from_tensors({"inputs": inputs})
    history = model.fit(dataset, verbose=0).history
    assert history["statistics/mean"][0] == pytest.approx(0.0, abs=1e-6)
    np.testing.assert_allclose(model.norm.moving_mean, 0.1 * inputs.mean(0), 1e-6)


@pytest.mark.parametrize(
    "rule, due",
    [
        ({"every": 3}, [2, 5, 8]),
        ({"every": 3, "turns": (0,)}, [0, 3, 6]),
        ({"every": 3, "turns": (1, 2)}, [1, 2, 4, 5, 7, 8]),
        ({"every": 2, "turns": (0,), "batches": 2}, [0, 1, 4, 5, 8]),
        ({"every": 3, "turns": (0,), "steps": range(2, 5)}, [3]),
    ],
)
def test_updates_take_turns(rule, due):
    update = Update("D", lambda batch, draws: {}, {}, (), **rule)
    assert [step for step in range(9) if update.is_due(step)] == due
