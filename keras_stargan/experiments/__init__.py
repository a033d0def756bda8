"""Experiments: from settings to a trained, evaluated and exported model."""
