"""Published schedules of learning rates, as factors."""


def constant_then_linear(step: int, total_steps: int) -> float:
    """1 in the first half of training, then falling linearly to 0.

    Args:
        step: how many steps the weights have seen.
        total_steps: the length of training.
    """
    falling = total_steps - total_steps // 2
    return min(1.0, max(0.0, (total_steps - step) / falling))


def constant_then_falling(step: int, total_steps: int, steps_per_epoch: int) -> float:
    """1 in the first half of the epochs, then less in each, down to nearly 0.

    Args:
        step: how many steps the weights have seen.
        total_steps: the length of training.
        steps_per_epoch: steps in one pass over the data.
    """
    epochs = -(-total_steps // steps_per_epoch)
    constant = epochs // 2
    beyond = max(0, step // steps_per_epoch + 1 - constant)
    return 1.0 - beyond / (epochs - constant + 1)
