"""Figures that judge models and runs: separation, calibration, balance. Plain DataFrame in, figures out."""
