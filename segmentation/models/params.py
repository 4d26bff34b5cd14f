"""Parameters of clustering and propensity."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

from pydantic import Field, model_validator

from segmentation.parameters import Parameters

VOCABULARY = {
    "days_since_last_event": ("lapsed", "recent"),
    "days_since_first_event": ("long-standing", "new"),
    "active_days_count_30d": ("active", "inactive"),
    "sessions_count_30d": ("active", "inactive"),
    "sessions_count_life": ("frequent", "occasional"),
    "events_per_session_mean_life": ("thorough", "brief"),
    "purchases_count_life": ("often buying", "rarely buying"),
    "rfm_frequency_count": ("often buying", "rarely buying"),
    "value_sum_life": ("high-value", "low-value"),
    "event_name_entropy_bits_life": ("exploring", "single-purpose"),
}
"""Features that say about the same share their words: a name says each thing once."""

NEAREST = "as the model says"
"""Rule by which users are assigned to segments if no earlier cuts are read."""

Method = Literal["bisecting_kmeans", "dbscan", "gaussian_mixture", "kmeans", "ward"]
Space = Literal["scaled", "components"]


class ClusterParams(Parameters):
    """Clustering of users, and the evidence that a clustering must have to be accepted."""

    features: tuple[str, ...] = Field(
        default=(
            "days_since_last_event",
            "days_since_first_event",
            "active_days_count_30d",
            "sessions_count_30d",
            "sessions_count_life",
            "events_per_session_mean_life",
            "purchases_count_life",
            "value_sum_life",
            "rfm_frequency_count",
            "event_name_entropy_bits_life",
        ),
        min_length=1,
    )
    """Columns of `user_features` that span the space. One that is constant at the cut is left out with a note."""
    k_min: int = Field(default=2, ge=2)
    """Smallest number of clusters tried."""
    k_max: int = Field(default=8, ge=2)
    """Largest number of clusters tried, not below `k_min`; there must be at least so many users."""
    methods: tuple[Method, ...] = Field(default=("bisecting_kmeans", "kmeans", "ward"), min_length=1)
    """Ways to group that compete."""
    spaces: tuple[Space, ...] = Field(default=("scaled", "components"), min_length=1)
    """Coordinates that they group by: all scaled features, or their first principal components. All are judged in the
    scaled features."""
    components_variance: float = Field(default=0.9, gt=0.0, le=1.0)
    """Share of the variance that the principal components hold at least."""
    jaccard_min: float = Field(default=0.75, ge=0.0, le=1.0)
    """Least mean bootstrap Jaccard of every cluster (Hennig 2007: from .75 on a cluster is stable)."""
    share_min: float = Field(default=0.01, ge=0.0, lt=1.0)
    """Least share of the users in every cluster."""
    bootstraps: int = Field(default=30, ge=2)
    """Bootstrap samples that a candidate is drawn again in."""
    reference_draws: int = Field(default=10, ge=2)
    """Data sets without clusters, of either kind, that a silhouette is compared with."""
    evidence_users: int = Field(default=2_000, ge=50)
    """Users at most, by hash of the id, that candidates are measured on; up to so many, evidence is exact."""
    restarts: int = Field(default=3, ge=1)
    """Starts of k-means and of the mixture; the best is kept."""
    micro_clusters: int = Field(default=100, ge=10)
    """Small clusters that stand for all users where a method looks at all pairs (ward, dbscan)."""
    density_share: float = Field(default=0.01, gt=0.0, lt=0.5)
    """dbscan: share of all users that must be within reach of a dense place."""
    clip_lower: float = Field(default=0.01, ge=0.0, lt=0.5)
    """Values below this exact percentile of the training users are raised to it; 0 clips nothing."""
    clip_upper: float = Field(default=0.99, gt=0.5, le=1.0)
    """Values above this exact percentile of the training users are lowered to it; 1 clips nothing."""
    transform: Literal["signed_log1p", "none"] = "signed_log1p"
    """Applied after clipping: sign(x) * ln(1 + |x|), which keeps order and returns (negative values) apart."""
    normalise: Literal["z_score", "min_max", "robust", "rank"] = "z_score"
    """Makes features comparable, after the transform: by mean and standard deviation, by least and greatest value, by
    median and quartiles, or by rank (share of the training users below, from percentiles)."""
    platform_shares: tuple[str, ...] = ()
    """Columns of `user_features`, such as `platform_web_share_life`: users are normalised among those with whom they
    share the greatest of them; empty: among all users."""
    platform_users: int = Field(default=100, ge=2)
    """Fewest training users of a platform that is normalised by itself; others are normalised among all users."""
    max_iterations: int = Field(default=30, ge=1)
    """Lloyd iterations at most."""
    partitions: int = Field(default=1, ge=1)
    """Training input is sorted by user_id into so many partitions: the same fit on any cluster. More for millions."""
    seed: int = 7
    """Seed of the k-means|| start."""
    vocabulary: dict[str, tuple[str, str]] = Field(default=VOCABULARY)
    """Feature -> (word for much of it, word for little of it): what segment names are made of."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """All columns of `user_features` that are needed, each once."""
        return tuple(dict.fromkeys((*self.features, *self.platform_shares)))

    @property
    def ks(self) -> tuple[int, ...]:
        """The numbers of clusters tried."""
        return tuple(range(self.k_min, self.k_max + 1))

    @model_validator(mode="after")
    def _range(self) -> ClusterParams:
        if self.k_max < self.k_min:
            raise ValueError(f"k_max ({self.k_max}) must not be below k_min ({self.k_min})")
        return self


class HysteresisParams(Parameters):
    """Hysteresis: users between two segments do not change back and forth, because earlier cuts count as well."""

    earlier_cuts: int = Field(default=0, ge=0)
    """Number of earlier cuts to read, which `build_features` builds too; 0: the model alone decides."""
    every_days: int = Field(default=7, ge=1)
    """Days from one of these cuts to the next, counted back from the run's."""
    clear_by: float = Field(default=0.1, ge=0.0)
    """A user is clearly in a segment where every other centroid is further away than its own by this share at least."""

    def cuts_before(self, as_of: date) -> tuple[date, ...]:
        """Return the earlier cuts that are looked at, oldest first."""
        return tuple(as_of - timedelta(days=self.every_days * back) for back in range(self.earlier_cuts, 0, -1))

    @property
    def rule(self) -> str:
        """Say by which rule users are put into segments; equal rules are equal words."""
        if not self.earlier_cuts:
            return NEAREST
        return f"clear by {self.clear_by:g} at one of {self.earlier_cuts + 1} cuts, {self.every_days} days apart"


class PropensityParams(Parameters):
    """Targets, periods and models of propensity."""

    targets: tuple[str, ...] | None = Field(default=None, min_length=1)
    """Names of the targets to predict, each a file in conf/targets; null: all files there."""
    horizon_days: int = Field(default=28, ge=1)
    """Length of the label window [cut + gap, cut + gap + horizon) of targets that name none."""
    gap_days: int = Field(default=0, ge=0)
    """Days between the cut and the label window, of targets that name none: the time that acting on a score takes."""
    maturity_days: int | None = Field(default=None, ge=0)
    """Days after a label window until its labels count as ripe; null: `ingest.allowed_lateness_days` if any event was
    received after it happened, else 0."""
    training_cuts: int = Field(default=2, ge=1)
    """Greatest number of cuts to train on, each a gap and a horizon before the next. Two or more are needed to choose
    among settings on later data than they learnt from."""
    min_history_days: int = Field(default=28, ge=1)
    """A training cut beyond the first needs so many days of events before it."""
    features: tuple[str, ...] = Field(
        default=(
            "days_since_last_event",
            "days_since_first_event",
            "events_count_7d",
            "events_count_30d",
            "sessions_count_7d",
            "sessions_count_30d",
            "sessions_count_90d",
            "active_days_count_30d",
            "active_days_count_90d",
            "active_interval_mean_days_life",
            "events_per_session_mean_30d",
            "session_duration_mean_s_life",
            "event_name_entropy_bits_30d",
            "used_features_distinct_count_30d",
            "purchases_count_30d",
            "purchases_count_life",
            "value_sum_30d",
            "value_sum_life",
            "rfm_frequency_count",
            "rfm_recency_days",
            "rfm_monetary_value",
        ),
        min_length=1,
    )
    """Columns of `user_features` to train on. One that is constant in training is left out with a note."""
    rfm_features: tuple[str, ...] = Field(
        default=("days_since_last_purchase", "purchases_count_life", "purchase_value_sum_life"), min_length=1
    )
    """Recency, frequency and monetary value: the inputs of the simple model that every other is compared with."""
    logistic_regularisation: tuple[float, ...] = Field(default=(0.01, 0.1), min_length=1)
    """Ridge penalties tried for the logistic regression."""
    forest_depths: tuple[int, ...] = Field(default=(5,))
    """Depths tried for the random forest; none: it does not compete."""
    forest_trees: int = Field(default=20, ge=1)
    """Trees of the random forest."""
    tree_depths: tuple[int, ...] = Field(default=(2, 4))
    """Depths tried for the gradient-boosted trees; none: they do not compete."""
    tree_iterations: int = Field(default=20, ge=1)
    """Boosted trees at most."""
    tree_step: float = Field(default=0.2, gt=0.0, le=1.0)
    """Learning rate of the boosted trees."""
    early_stopping_share: float = Field(default=0.2, ge=0.0, lt=1.0)
    """Share of the training users (by hash) that no tree is grown on: boosting stops when it does not get better on
    them any more; 0: it never stops early."""
    class_weights: tuple[Literal["balanced", "none"], ...] = Field(default=("none",), min_length=1)
    """Weights of the classes that are tried: `balanced` makes both classes weigh alike, for rare outcomes."""
    parallelism: int = Field(default=2, ge=1)
    """Models fitted at a time. It changes speed, never results."""
    calibration_share: float = Field(default=0.5, gt=0.0, lt=1.0)
    """Share of the evaluation cut's users (by hash) on whom a model is calibrated; the rest measure."""
    calibration_bins: int = Field(default=10, ge=2)
    """Equal-frequency bins of the calibration curve."""
    calibration_error_max: float = Field(default=0.1, ge=0.0, le=1.0)
    """Expected calibration error up to which a challenger counts as calibrated; beyond it, only if chance does that."""
    judged_users: int = Field(default=100_000, ge=100)
    """Users of the evaluation cut at most that calibrate and measure; of more, a fixed sample by hash."""
    importance_users: int = Field(default=1_000, ge=0)
    """Users at most that permutation importance rests on; 0: it is not computed."""
    decide_by: Literal["log_loss", "auc_pr"] = "log_loss"
    """Figure in which a challenger must beat the champion: of the calibrated score, or of the order of users alone."""
    bootstrap_rounds: int = Field(default=500, ge=100)
    """Resamples behind the intervals of differences between models."""
    suspect_auc: float = Field(default=0.95, gt=0.5, le=1.0)
    """A feature that alone separates the classes so well (area under the ROC curve, either way) is named: it may know
    the future."""
    partitions: int = Field(default=1, ge=1)
    """Training input is sorted by user_id into so many partitions. More for millions of users."""
    seed: int = 7
    """Seed of trees, shuffles and resamples."""

    @property
    def shaping(self) -> PropensityParams:
        """The parameters that shape one model: not which targets there are, nor what the target itself says."""
        return self.model_copy(update={"targets": None, "parallelism": 1, "horizon_days": 1, "gap_days": 0})


class Costs(Parameters):
    """Costs of wrong decisions, in any one unit; right ones cost nothing."""

    false_alarm: float = Field(default=1.0, gt=0.0)
    """Cost of acting on a user for whom it does not come true: the price of the contact."""
    miss: float = Field(default=1.0, gt=0.0)
    """Cost of not acting on a user for whom it does: the value that is lost."""

    @property
    def threshold(self) -> float:
        """The calibrated probability from which acting costs less than not acting (Elkan 2001, IJCAI, equation 2)."""
        return self.false_alarm / (self.false_alarm + self.miss)


class LifetimeParams(Parameters):
    """Fit of customer lifetimes, and the length of their predictions."""

    horizon_days: int = Field(default=90, ge=1)
    """Days after the cut whose purchases are expected."""
    unit_days: int = Field(default=7, ge=1)
    """Days in the unit of time of the fitted parameters; predictions do not depend on it."""
    most_customers: int = Field(default=200_000, ge=1_000)
    """Customers that the fit rests on at most; of more, a fixed sample."""
    check_days: int = Field(default=28, ge=1)
    """The model is fitted once more at the newest cut so many days back or more, to see what it would have said."""
