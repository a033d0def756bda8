"""The workers that train one model together: who they are, and who does what."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

HELP = (
    "The strategy multiworker needs the environment variable TF_CONFIG, which names "
    "all workers and says which one this is, as "
    """'{"cluster": {"worker": ["host1:2222", "host2:2222"]}, """
    """"task": {"type": "worker", "index": 0}}'. """
    "`keras-stargan launch` sets it for several workers on this machine."
)


def share(rows: Any, parts: Any, number: Any) -> slice:
    """Which rows of a batch a part has: a block of them.

    The parts follow each other. They have equally many rows or, if that cannot be, some
    have one more than others, the first one in any case. Of more parts than rows, some
    are empty.

    Args:
        rows: rows in the batch. All arguments are integers, or scalar integer tensors.
        parts: how many parts there are.
        number: the part's number, from 0.
    """
    first, end = ((rows * i + parts - 1) // parts for i in (number, number + 1))
    return slice(first, end)


def tf_config(addresses: Sequence[str], index: int) -> str:
    """The value of `TF_CONFIG` of one worker.

    Args:
        addresses: of all workers, as `host:port`. The first is the chief.
        index: the worker's number.
    """
    task = {"type": "worker", "index": index}
    return json.dumps({"cluster": {"worker": list(addresses)}, "task": task})


def check_cluster(environment: Mapping[str, str]) -> None:
    """Raises `ValueError` unless `TF_CONFIG` names the workers and one of them.

    Args:
        environment: the environment variables of the process.
    """
    text = environment.get("TF_CONFIG")
    if not text:
        raise ValueError(HELP)
    try:
        content = json.loads(text)
        jobs, task = content["cluster"], content["task"]
        addresses = jobs[task["type"]]
        index = int(task["index"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"TF_CONFIG is {text!r}. {HELP}") from error
    if others := sorted(set(jobs) - {"chief", "worker"}):
        raise ValueError(
            f"TF_CONFIG has jobs of the type {', '.join(others)}; only workers, and a "
            "chief, train here."
        )
    if not 0 <= index < len(addresses):
        raise ValueError(
            f"TF_CONFIG says that this is {task['type']} {index}, but names "
            f"{len(addresses)} ({', '.join(addresses)}); they are counted from 0."
        )
