"""Parameters of monitoring: subjects and thresholds of alerts."""

from __future__ import annotations

from pydantic import Field

from segmentation.parameters import Parameters


class WebhookParams(Parameters):
    """Receiver of alerts, which are signed according to Standard Webhooks. Without a url, no alerts are sent."""

    url: str | None = None
    """https, or http to this machine. The secret (`whsec_...`) is never configured: it stands in the environment."""
    secret_env: str = Field(default="SEGMENTATION_WEBHOOK_SECRET", pattern=r"^[A-Z_][A-Z0-9_]*$")
    """Name of the environment variable that holds the secret."""
    timeout_s: float = Field(default=20.0, gt=0.0, le=60.0)
    """Seconds to wait for an answer."""
    attempts: int = Field(default=3, ge=1, le=10)
    """Times to try where the receiver is away or says that it is busy; the id stays the same."""


class MonitoringParams(Parameters):
    """Nothing is an alert that chance explains; a threshold of null judges nothing."""

    baseline_days: int = Field(default=28, ge=1)
    """Compared is with the newest cut of `user_features` at least so many days earlier."""
    active_days: int | None = Field(default=56, ge=1)
    """Only users with an event in the last so many days before either cut are compared; null: all."""
    features: tuple[str, ...] = ()
    """Columns of `user_features`. Empty: those the models read that look at a window, and `days_since_last_event`."""
    sample_users: int = Field(default=10_000, ge=100)
    """Users at most that are compared at a cut, always the same ones."""
    false_discovery_rate: float = Field(default=0.01, gt=0.0, lt=1.0)
    """Share of false findings among the findings that is accepted, by table and kind; without any change, of cuts that
    alert."""
    psi_max: float | None = Field(default=0.25, gt=0.0)
    """Greatest population stability index."""
    js_distance_max: float | None = Field(default=None, gt=0.0, le=1.0)
    """Greatest Jensen-Shannon distance."""
    ks_max: float | None = Field(default=None, gt=0.0, le=1.0)
    """Greatest Kolmogorov-Smirnov statistic."""
    rate_days: int = Field(default=7, ge=1)
    """Days before the cut whose transition rates are compared ..."""
    reference_days: int = Field(default=84, ge=1)
    """... with those of so many days before them."""
    transitions: tuple[tuple[str, str], ...] = ()
    """[from, to] pairs. Empty: every move to a state of `sequences.goals` made `at_least` times in all these days."""
    at_least: int = Field(default=20, ge=1)
    """See `transitions`."""
    rate_change_max: float | None = Field(default=0.02, ge=0.0, le=1.0)
    """Greatest difference of a transition's rate."""
    calibration_gap_max: float | None = Field(default=0.05, ge=0.0, le=1.0)
    """Greatest difference of mean prediction and share come true, once the label window is over."""
