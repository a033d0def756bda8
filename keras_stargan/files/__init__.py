"""Reading and writing files: pictures, videos, caches and PyTorch's weights."""
