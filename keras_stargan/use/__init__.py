"""A trained model at work: from file to file, grids, videos."""
