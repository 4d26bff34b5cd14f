"""Generate the code with which sites and apps send the events of the tracking plan."""

from segmentation.instrumentation.generate import generate_instrumentation

__all__ = ["generate_instrumentation"]
