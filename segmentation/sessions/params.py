"""Parameters of sessions."""

from pydantic import Field

from segmentation.parameters import Parameters


class SessionParams(Parameters):
    """When a session ends, and what is left out of its statistics."""

    timeout_s: int = Field(default=1800, ge=1)
    """A gap strictly greater than this starts a new session."""
    cap_days: int = Field(default=3, ge=1)
    """Longer sessions are marked `capped`."""
    heartbeat_events: tuple[str, ...] = ("page_ping",)
    """Event names that say 'still here'; engaged time is measured from them."""
    heartbeat_s: int = Field(default=10, ge=1)
    """Seconds between two heartbeats."""
