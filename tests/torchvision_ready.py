"""Makes `import torchvision` possible; import it before what needs torchvision."""

import torch

try:
    import torchvision
except RuntimeError:
    # PyPI's build of torchvision wants PyTorch for CUDA; beside PyTorch for CPUs its
    # compiled operators are missing. The networks do not need them, only the import.
    for name in ("nms", "qnms"):
        torch.library.define(
            f"torchvision::{name}",
            "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
        )
    import torchvision  # noqa: F401
