"""How `campaigns/long_run.py` judges what it measured, and the versions installed."""

import configparser
import pathlib

import pytest
from campaigns.long_run import verdict

ROOT = pathlib.Path(__file__).parents[1]


def rows(process, height, megabytes, files=0.0):
    """What a process that grows evenly leaves in 30 epochs."""
    return [
        {
            "process": process,
            "step": 1000 * epoch,
            "megabytes": height + megabytes * epoch,
            "files": 7 + files * epoch,
            "threads": 12,
        }
        for epoch in range(1, 31)
    ]


def test_a_resumed_run_that_does_not_grow_is_flat():
    # The second process begins with more memory, which is no growth.
    assert verdict(rows(1, 400, 0.0) + rows(2, 900, 0.0))["flat"]


@pytest.mark.parametrize("leak", [{"megabytes": 1.0}, {"megabytes": 0, "files": 0.1}])
def test_a_leak_is_noticed(leak):
    assert not verdict(rows(1, 400, **leak) + rows(2, 300, **leak))["flat"]


def test_a_run_too_short_to_judge_is_not_flat():
    assert not verdict(rows(1, 400, 0.0)[:5])["flat"]


def test_every_dependency_has_an_oldest_version():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    needed = config["options"]["install_requires"].splitlines()
    lines = [line for line in needed if line and not line.startswith("#")]
    assert [line for line in lines if ">=" not in line] == []
