"""Files: pictures, videos, caches, PyTorch's weights."""
