"""The tables of both papers: methods trained on one budget and measured alike."""
