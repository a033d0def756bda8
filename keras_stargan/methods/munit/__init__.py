"""MUNIT (Huang et al., ECCV 2018)."""
