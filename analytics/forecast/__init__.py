"""Forecasts: models that must beat naive on the past, with intervals that are measured."""
