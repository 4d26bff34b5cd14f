"""Predict the lifetime and spending of customers by BG/NBD and Gamma-Gamma.

Fader, Hardie, Lee (2005), "Counting Your Customers" the Easy Way: An Alternative to the Pareto/NBD Model, Marketing
Science 24(2); Fader, Hardie (2013), The Gamma-Gamma Model of Monetary Value. Both rest on a customer's repeat purchase
days x (`rfm_frequency_count`), the time of the last one t_x (`rfm_recency_days`), the time observed T
(`rfm_age_days`) and the mean value of those days m (`rfm_monetary_value`). Times are in units of `unit_days`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from pyspark.sql import functions as F
from scipy.optimize import minimize
from scipy.special import betaln, gammaln, hyp2f1

from segmentation.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from pyspark.sql import Column, DataFrame

    Floats = NDArray[np.float64]

FREQUENCY, RECENCY, AGE, VALUE = "rfm_frequency_count", "rfm_recency_days", "rfm_age_days", "rfm_monetary_value"
FEWEST_REPEATERS = 30
"""Customers with a repeat purchase below which four parameters are guesses."""


class Buying(NamedTuple):
    """BG/NBD: purchase rates are gamma(r, alpha), chances to leave after a purchase beta(a, b); alpha is in units."""

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float
    customers: int


class Spending(NamedTuple):
    """Gamma-Gamma: values of a customer are gamma(p, nu), and nu is gamma(q, v); v in the reporting currency."""

    p: float
    q: float
    v: float
    log_likelihood: float
    customers: int


def count_histories(user_features: DataFrame, *, most: int) -> DataFrame:
    """Count the customers of every history: the sufficient statistics of both models.

    Grain: a user at one cut -> x, t_x and T in days, with the mean value m (null: no repeat, or not above 0) and the
    customers that share them. Who never purchased is left out. Of more customers than `most` a fixed sample of about so
    many stands for all: those whose id's hash falls into a share of its range.
    """
    customers = user_features.where(F.col(AGE).isNotNull())
    users = customers.count()  # decides whether there is anything to sample
    share = min(1.0, most / max(users, 1))
    in_sample = F.pmod(F.xxhash64("user_id"), F.lit(1_000_000)) < round(share * 1_000_000)
    value = F.when((F.col(FREQUENCY) > 0) & (F.col(VALUE) > 0), F.col(VALUE)).alias("m")
    history = (F.col(FREQUENCY).alias("x"), F.col(RECENCY).alias("t_x"), F.col(AGE).alias("age"), value)
    chosen = customers if share == 1.0 else customers.where(in_sample)
    return chosen.select(*history).groupBy("x", "t_x", "age", "m").agg(F.count(F.lit(1)).alias("n"))


def fit_buying(histories: pd.DataFrame, *, unit_days: int) -> Buying:
    """Fit BG/NBD by maximum likelihood.

    Args:
        histories: rows of :func:`count_histories`, sorted.
        unit_days: days in a unit of time; the fit is the same in any, alpha and the likelihood are in it.

    Raises:
        DataError: too few customers came back, or the likelihood has no maximum that can be found.
    """
    summed = histories.groupby(["x", "t_x", "age"], sort=True)["n"].sum().reset_index()
    x, t_x, age, n = (summed[name].to_numpy(dtype=float) for name in ("x", "t_x", "age", "n"))
    _check_repeaters(n[x > 0].sum(), "purchased")
    t_x, age = t_x / unit_days, age / unit_days

    def log_likelihood(parameters: Floats) -> float:
        return float((n * _log_likelihood(*parameters, x=x, t_x=t_x, age=age)).sum())

    mean_age = max(float(np.average(age, weights=n)), 1e-3)
    r, alpha, a, b = _maximise(log_likelihood, start=(1.0, mean_age, 1.0, 1.0), what="BG/NBD")
    return Buying(r, alpha, a, b, log_likelihood(np.array([r, alpha, a, b])), customers=int(n.sum()))


def fit_spending(histories: pd.DataFrame) -> Spending:
    """Fit Gamma-Gamma by maximum likelihood over the customers with a repeat purchase of a value above 0.

    Raises:
        DataError: too few customers came back, or the likelihood has no maximum that can be found.
    """
    summed = histories.dropna(subset=["m"]).groupby(["x", "m"], sort=True)["n"].sum().reset_index()
    x, m, n = (summed[name].to_numpy(dtype=float) for name in ("x", "m", "n"))
    _check_repeaters(n.sum(), "purchased for a known value above 0")

    def log_likelihood(parameters: Floats) -> float:
        p, q, v = parameters
        one = gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(v)
        one += (p * x - 1) * np.log(m) + p * x * np.log(x) - (p * x + q) * np.log(x * m + v)
        return float((n * one).sum())

    p, q, v = _maximise(log_likelihood, start=(1.0, 2.0, float(np.average(m, weights=n))), what="Gamma-Gamma")
    return Spending(p, q, v, log_likelihood(np.array([p, q, v])), customers=int(n.sum()))


def predict_lifetimes(
    user_features: DataFrame, *, buying: Buying, spending: Spending | None, horizon_days: int, unit_days: int
) -> DataFrame:
    """Predict whether customers are still there, and what they will buy in the days after the cut.

    Grain: a user at one cut -> user_id, p_alive, expected_purchases (days with a purchase within the horizon),
    expected_value (of such a day) and expected_spend (their product; both null without `spending`). All are null for
    who never purchased. Expected purchases need Gauss's hypergeometric function, which Spark has not: scipy works them
    out on the executors. All else are expressions of columns.
    """
    probability = F.when(F.col(AGE).isNotNull(), _p_alive(buying, unit_days)).alias("p_alive")
    known = user_features.select(
        "user_id", FREQUENCY, RECENCY, AGE, probability, _expected_value(spending).alias("expected_value")
    )
    schema = "user_id string, p_alive double, expected_value double, expected_purchases double"
    expected = known.mapInPandas(_expectations(buying, horizon_days / unit_days, unit_days), schema)
    return expected.select("*", (F.col("expected_purchases") * F.col("expected_value")).alias("expected_spend"))


def _expectations(
    buying: Buying, horizon: float, unit_days: int
) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:
    def expect(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            known = batch[AGE].notna()
            x, t_x, age = (batch.loc[known, name].to_numpy(dtype=float) for name in (FREQUENCY, RECENCY, AGE))
            purchases = expect_purchases(buying, x, t_x / unit_days, age / unit_days, horizon)
            batch["expected_purchases"] = pd.Series(purchases, index=batch.index[known], dtype="Float64")
            yield batch[["user_id", "p_alive", "expected_value", "expected_purchases"]]

    return expect


def expect_purchases(buying: Buying, x: Floats, t_x: Floats, age: Floats, t: float) -> Floats:
    """Expect repeat purchases in the t units after T = `age` (Fader, Hardie, Lee 2005, equation 10).

    Euler's transformation of the hypergeometric function keeps every factor near 1: as published, its parameters grow
    with x, and a customer with a thousand purchases exceeds the greatest double.
    """
    r, alpha, a, b, *_ = buying
    z = t / (alpha + age + t)
    gone = (1 - z) ** (a - 1) * hyp2f1(a + b - 1 - r, a - 1, a + b + x - 1, z)
    left = np.where(x > 0, a / (b + np.maximum(x, 1) - 1) * ((alpha + age) / (alpha + t_x)) ** (r + x), 0.0)
    return np.asarray((a + b + x - 1) / (a - 1) * (1 - gone) / (1 + left))


def _p_alive(buying: Buying, unit_days: int) -> Column:
    """Fader, Hardie, Lee (2008), Computing P(alive) Using the BG/NBD Model; 1 without a repeat purchase."""
    x, t_x, age = (F.col(FREQUENCY), F.col(RECENCY) / unit_days, F.col(AGE) / unit_days)
    odds = F.pow((buying.alpha + age) / (buying.alpha + t_x), buying.r + x) * buying.a / (buying.b + x - 1)
    return F.when(x == 0, 1.0).otherwise(1 / (1 + odds))


def _expected_value(spending: Spending | None) -> Column:
    """Fader, Hardie (2013), equation 5: the customer's mean drawn towards that of all."""
    if spending is None:
        return F.lit(None).cast("double")
    p, q, v, *_ = spending
    x, m = F.col(FREQUENCY), F.col(VALUE)
    repeated = (x > 0) & (m > 0)
    own = p * (v + x * m) / (p * x + q - 1)
    everybody = p * v / (q - 1) if q > 1 else None
    return F.when(F.col(AGE).isNotNull(), F.when(repeated, own).otherwise(F.lit(everybody).cast("double")))


def _log_likelihood(r: float, alpha: float, a: float, b: float, *, x: Floats, t_x: Floats, age: Floats) -> Floats:
    """Fader, Hardie, Lee (2005), equation 6, as logarithms whose sum does not overflow."""
    constant = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + betaln(a, b + x) - betaln(a, b)
    stayed = -(r + x) * np.log(alpha + age)
    repeated = np.maximum(x, 1)
    left = np.log(a) - np.log(b + repeated - 1) - (r + x) * np.log(alpha + t_x)
    return np.asarray(constant + np.where(x > 0, np.logaddexp(stayed, left), stayed))


def _maximise(log_likelihood: Callable[[Floats], float], *, start: tuple[float, ...], what: str) -> tuple[float, ...]:
    """Search over the logarithms of the parameters, which are positive; the same start gives the same end."""
    options = {"maxiter": 10_000, "xatol": 1e-7, "fatol": 1e-9}

    def cost(logarithms: Floats) -> float:
        value = -log_likelihood(np.exp(logarithms))
        return value if np.isfinite(value) else np.inf

    with np.errstate(all="ignore"):
        found = minimize(cost, np.log(start), method="Nelder-Mead", options=options)
        again = minimize(cost, found.x, method="Nelder-Mead", options=options)  # out of a simplex that has collapsed
    if not again.success or not np.isfinite(again.fun):
        raise DataError(f"{what} does not fit these customers: its likelihood has no maximum ({again.message})")
    return tuple(map(float, np.exp(again.x)))


def _check_repeaters(customers: float, what: str) -> None:
    if customers < FEWEST_REPEATERS:
        raise DataError(
            f"{int(customers)} customers have {what} on more than one day: lifetimes take {FEWEST_REPEATERS} or more"
        )
