"""Methods that are trained on the same data with the same budget."""

from __future__ import annotations

import dataclasses
import functools
import json
import pathlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras

from keras_stargan.data import ImageSet
from keras_stargan.experiments.data_sources import DRAWN, load_data
from keras_stargan.experiments.proposal import measure
from keras_stargan.experiments.run import Parts, train_model, training_batches
from keras_stargan.experiments.settings import Settings, choose
from keras_stargan.files.whole import write_json
from keras_stargan.files.work_dir import check_work_dir
from keras_stargan.methods.base import TranslationModel
from keras_stargan.methods.loading import load_model
from keras_stargan.methods.pairwise import PairwiseModel
from keras_stargan.training.checkpoints import save_model
from keras_stargan.training.strategies import make_strategy

# A run saves itself and draws a sample grid so many times.
_CHECKPOINTS = 4


@dataclasses.dataclass(frozen=True)
class Contestant:
    """A method that takes part in a table.

    Args:
        title: its name in the table, and its folder's.
        method: the method's name.
        selections: the domains of each of its models, as `ImageSet.select` takes them;
            an empty selection is the whole data set.
        settings: what it is given besides the data and the length of training.
        changes: takes the values of all settings and returns those that differ.
        prepare: what is made once, before the first of the models is trained, from the
            contest and the training set; it returns settings of all of them.
    """

    title: str
    method: str
    selections: tuple[tuple[str, ...], ...] = ((),)
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    changes: Callable[[dict[str, Any]], Mapping[str, Any]] | None = None
    prepare: Callable[[Contest, ImageSet], Mapping[str, Any]] | None = None

    def prepared(self, contest: Contest) -> Contestant:
        """The same with the settings that `prepare` gives."""
        if self.prepare is None:
            return self
        more = self.prepare(contest, contest.parts[0])
        return dataclasses.replace(self, settings={**self.settings, **more})

    def names(self) -> list[str]:
        """The names of its models' folders."""
        return ["+".join(names) or "all" for names in self.selections]


@dataclasses.dataclass(frozen=True)
class Budget:
    """How long each method is trained on a data set.

    Args:
        seconds: of training on this machine, shared by the method's models; the steps
            that fit into them are measured before the first one is trained.
        steps: of each model, instead of seconds. With neither, the settings of the
            method for the data say how long.
    """

    seconds: float | None = None
    steps: int | None = None


@dataclasses.dataclass(frozen=True)
class Contest:
    """A data set, and what all methods that are trained on it share.

    Args:
        source: the data set, as for `load_data`.
        folder: gets a folder for each method, with one for each of its models. What
            is there already, as far as it is trained as long, is not trained again.
        budget: how long each method is trained.
        given: settings of every method, such as `image_size`.
    """

    source: str
    folder: pathlib.Path
    budget: Budget
    given: Mapping[str, Any]

    @property
    def drawn(self) -> bool:
        """Whether the pictures are drawn on this machine."""
        return self.source in DRAWN

    @property
    def seed(self) -> int:
        """The seed of all that is trained."""
        return self.given.get("seed", 0)

    def settings(
        self, contestant: Contestant, selection: Sequence[str], steps: int | None
    ) -> Settings:
        """The settings of one model, checked.

        Args:
            contestant: whose model.
            selection: the model's domains.
            steps: the length of training; by default the method's for this data.

        Raises:
            ValueError: if no model can be made with them.
        """
        given = dict(self.given) | dict(contestant.settings)
        given |= {"data": [self.source], "select": list(selection) or None}
        if steps is not None:
            given["steps"] = steps
            given["steps_per_epoch"] = max(1, -(-steps // _CHECKPOINTS))
        settings = choose(contestant.method, given)
        if steps is not None:
            # What follows from the length of training follows from this one.
            settings = dataclasses.replace(settings, fixed=frozenset(given))
            settings, _ = settings.with_lengths(steps)
        if contestant.changes is not None:
            values = settings.values | dict(contestant.changes(settings.values))
            settings = dataclasses.replace(settings, values=values)
        return settings

    @functools.cached_property
    def parts(self) -> Parts:
        """The training and the test part of the data, loaded once."""
        names = ("image_size", "seed", "attributes", "cache_dir")
        chosen = {name: self.given[name] for name in names if name in self.given}
        return load_data(self.source, **chosen)

    def selected(self, selection: Sequence[str]) -> Parts:
        """Both parts with the domains of one model."""
        train_set, test_set = self.parts
        if not selection:
            return train_set, test_set
        return train_set.select(selection), test_set.select(selection)

    def check(self, contestant: Contestant) -> None:
        """Raises `ValueError` if a method cannot be trained on the data."""
        for selection in contestant.selections:
            settings = self.settings(contestant, selection, self.budget.steps)
            training_batches(settings, [self.selected(selection)[0]])


class Trainings:
    """The models of a table's methods: trained where they are missing.

    Args:
        entries: the contests, and who takes part in each.
    """

    def __init__(self, entries: Sequence[tuple[Contest, Sequence[Contestant]]]) -> None:
        self._strategy = make_strategy("one", None)
        self._left = [
            (contest, contestant)
            for contest, contestants in entries
            for contestant in contestants
        ]
        # What is wrong is found before the first model is trained.
        for contest, contestant in self._left:
            contest.check(contestant)

    def train(
        self, contest: Contest, contestant: Contestant
    ) -> tuple[list[TranslationModel], dict[str, Any]]:
        """Trains the models of one method, or loads them where they are trained.

        Args:
            contest: the data and the budget.
            contestant: the method.

        Returns:
            The models, and what they took: `steps` of each, `seconds` of training in
            all, and `parameters` as the papers count them.
        """
        folder = contest.folder / contestant.title
        folder.mkdir(parents=True, exist_ok=True)
        print(f"\n{contestant.title} on {contest.source}.{self._time_left()}")
        if (contest, contestant) in self._left:
            self._left.remove((contest, contestant))
        contestant = contestant.prepared(contest)
        steps = contest.budget.steps or self._planned(contest, contestant, folder)
        models, seconds, taken = [], 0.0, []
        for selection, name in zip(
            contestant.selections, contestant.names(), strict=True
        ):
            settings = contest.settings(contestant, selection, steps)
            model = self._trained(contest, settings, selection, folder / name)
            models.append(model)
            taken.append(model.global_step)
            seconds += json.loads((folder / name / "seconds.json").read_text())
        return models, {
            "steps": taken[0] if len(set(taken)) == 1 else taken,
            "seconds": round(seconds, 1),
            "parameters": _parameters(models),
        }

    def _time_left(self) -> str:
        """How long the trainings that are left take, as far as is known."""
        budgets = (contest.budget.seconds for contest, _ in self._left)
        seconds = [budget for budget in budgets if budget is not None]
        if len(seconds) < max(1, len(self._left)):
            return ""
        return f" About {sum(seconds) / 60:.0f} minutes of training are left."

    def _planned(
        self, contest: Contest, contestant: Contestant, folder: pathlib.Path
    ) -> int | None:
        """The steps of each model that fit into the budget; measured once."""
        budget = contest.budget.seconds
        if budget is None:
            return None
        path = folder / "plan.json"
        plan: dict[str, Any] = {}
        if path.is_file():
            plan = json.loads(path.read_text())
        if plan.get("seconds") != budget:
            print(f"Measuring a few steps of {contestant.title}.")
            selection = contestant.selections[0]
            settings = contest.settings(contestant, selection, 100)
            cost = measure(settings, [contest.selected(selection)[0].label_set])
            share = budget / len(contestant.selections)
            steps = max(1, int(share / cost.step_seconds))
            plan = {"seconds": budget, "steps": steps}
            write_json(path, plan | {"step_seconds": cost.step_seconds})
            keras.backend.clear_session()
        return plan["steps"]

    def _trained(
        self,
        contest: Contest,
        settings: Settings,
        selection: Sequence[str],
        folder: pathlib.Path,
    ) -> TranslationModel:
        file, steps = folder / "model.keras", settings.values["steps"]
        if file.is_file():
            model = load_model(file)
            if steps is None or model.global_step >= steps:
                return model
        parts = contest.selected(selection)
        begun = check_work_dir(folder, resume=False)
        clock = folder / "seconds.json"
        before = json.loads(clock.read_text()) if clock.is_file() else 0.0
        start = time.monotonic()
        try:
            model, _ = train_model(settings, [parts], folder, begun, self._strategy)
        finally:
            if folder.is_dir():
                write_json(clock, round(before + time.monotonic() - start, 1))
        save_model(model, file)
        keras.backend.clear_session()
        return load_model(file)


def composed(
    models: Sequence[TranslationModel], train_set: ImageSet
) -> TranslationModel:
    """The models of a method as one model of all labels.

    Args:
        models: one model of all labels, or one for each pair of domains.
        train_set: the data set, whose labels the composed model has.
    """
    if len(models) == 1 and models[0].labels.names == train_set.label_set.names:
        return models[0]
    return PairwiseModel(models, train_set.label_set)


def _parameters(models: Sequence[TranslationModel]) -> str:
    """The parameters as the papers' tables count them, such as `"52.6M x 14"`."""
    counts: dict[str, int] = {}
    for model in models:
        # The papers count a pair of label-guided networks for each direction.
        by_direction = len(models) > 1 and model.guides == ("label",)
        directions = len(model.reachable) if by_direction else 1
        millions = sum(model.parameters.values()) / directions / 1e6
        text = f"{millions:.1f}M" if millions >= 10 else f"{millions:.2f}M"
        counts[text] = counts.get(text, 0) + directions
    return " + ".join(f"{text} x {count}" for text, count in counts.items())
