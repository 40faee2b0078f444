"""Formats of predictions, one module for each; the name of the module is the name of the format.

A module declares `FORMAT`, a `predictions.declaration.PredictionFormat`. Nobody edits a list to
add one.
"""
