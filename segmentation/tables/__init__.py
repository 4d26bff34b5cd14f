"""Contracts of all tables: grain, key, columns with type, unit and meaning of null, layout and writer."""

from segmentation.tables.account_cohorts import ACCOUNT_COHORTS
from segmentation.tables.account_features import ACCOUNT_FEATURES, account_features_table
from segmentation.tables.alerts import ALERTS
from segmentation.tables.cohorts import COHORTS
from segmentation.tables.consents import CONSENTS
from segmentation.tables.count_comparisons import COUNT_COMPARISONS
from segmentation.tables.currency_rates import CURRENCY_RATES
from segmentation.tables.drift import DRIFT
from segmentation.tables.drop_offs import DROP_OFFS
from segmentation.tables.duplicates import DUPLICATES
from segmentation.tables.engagement_states import ENGAGEMENT_STATES
from segmentation.tables.engagement_stays import ENGAGEMENT_STAYS
from segmentation.tables.evaluations import EVALUATIONS
from segmentation.tables.events import EVENTS
from segmentation.tables.feature_correlations import FEATURE_CORRELATIONS
from segmentation.tables.feature_statistics import FEATURE_STATISTICS
from segmentation.tables.funnels import FUNNELS
from segmentation.tables.identities import IDENTITIES
from segmentation.tables.identity_evidence import IDENTITY_EVIDENCE
from segmentation.tables.ingest_ledger import INGEST_LEDGER
from segmentation.tables.input_units import INPUT_UNITS
from segmentation.tables.items import STEP_SEPARATOR
from segmentation.tables.journey_chains import JOURNEY_CHAINS
from segmentation.tables.journey_clusters import JOURNEY_CLUSTERS
from segmentation.tables.journey_differences import JOURNEY_DIFFERENCES
from segmentation.tables.journey_flows import JOURNEY_FLOWS
from segmentation.tables.journey_states import JOURNEY_STATES
from segmentation.tables.lifecycle import LIFECYCLE
from segmentation.tables.lifetime_fits import LIFETIME_FITS
from segmentation.tables.model_decisions import MODEL_DECISIONS
from segmentation.tables.monitored_rates import MONITORED_RATES
from segmentation.tables.order_events import ORDER_EVENTS
from segmentation.tables.path_edges import PATH_EDGES
from segmentation.tables.paths import PATHS
from segmentation.tables.profiles import PROFILES
from segmentation.tables.propensity_reasons import PROPENSITY_REASONS
from segmentation.tables.publications import PUBLICATIONS
from segmentation.tables.quality_results import QUALITY_RESULTS
from segmentation.tables.quarantine import QUARANTINE
from segmentation.tables.records import ASSIGNED, EVENT, PARSED_RECORDS, RECORD_KEY
from segmentation.tables.retention import RETENTION
from segmentation.tables.segment_assignments import SEGMENT_ASSIGNMENTS
from segmentation.tables.segment_changes import SEGMENT_CHANGES
from segmentation.tables.segment_profiles import SEGMENT_PROFILES
from segmentation.tables.sessions import SESSIONS
from segmentation.tables.table import Table
from segmentation.tables.trait_observations import TRAIT_OBSERVATIONS
from segmentation.tables.transitions import EXIT, START, TRANSITIONS
from segmentation.tables.user_days import USER_DAYS
from segmentation.tables.user_features import USER_FEATURES, user_features_table
from segmentation.tables.user_lifetimes import USER_LIFETIMES
from segmentation.tables.user_sequences import USER_SEQUENCES

__all__ = [
    "ACCOUNT_COHORTS",
    "ACCOUNT_FEATURES",
    "ALERTS",
    "ASSIGNED",
    "COHORTS",
    "CONSENTS",
    "COUNT_COMPARISONS",
    "CURRENCY_RATES",
    "DRIFT",
    "DROP_OFFS",
    "DUPLICATES",
    "ENGAGEMENT_STATES",
    "ENGAGEMENT_STAYS",
    "EVALUATIONS",
    "EVENT",
    "EVENTS",
    "EXIT",
    "FEATURE_CORRELATIONS",
    "FEATURE_STATISTICS",
    "FUNNELS",
    "IDENTITIES",
    "IDENTITY_EVIDENCE",
    "INGEST_LEDGER",
    "INPUT_UNITS",
    "JOURNEY_CHAINS",
    "JOURNEY_CLUSTERS",
    "JOURNEY_DIFFERENCES",
    "JOURNEY_FLOWS",
    "JOURNEY_STATES",
    "LIFECYCLE",
    "LIFETIME_FITS",
    "MODEL_DECISIONS",
    "MONITORED_RATES",
    "ORDER_EVENTS",
    "PARSED_RECORDS",
    "PATHS",
    "PATH_EDGES",
    "PROFILES",
    "PROPENSITY_REASONS",
    "PUBLICATIONS",
    "QUALITY_RESULTS",
    "QUARANTINE",
    "RECORD_KEY",
    "RETENTION",
    "SEGMENT_ASSIGNMENTS",
    "SEGMENT_CHANGES",
    "SEGMENT_PROFILES",
    "SESSIONS",
    "START",
    "STEP_SEPARATOR",
    "TRAIT_OBSERVATIONS",
    "TRANSITIONS",
    "USER_DAYS",
    "USER_FEATURES",
    "USER_LIFETIMES",
    "USER_SEQUENCES",
    "Table",
    "account_features_table",
    "user_features_table",
]
