"""DRIT (Lee et al., ECCV 2018)."""
