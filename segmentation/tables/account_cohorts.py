"""Accounts in the rule segments of conf/segments that say `unit: account`, with the values that decided."""

from segmentation.tables.cohorts import COHORTS
from segmentation.tables.table import STRING, Column, Table

ACCOUNT_COHORTS = Table(
    name="account_cohorts",
    grain="an account in a rule segment at a cut",
    key=("account_id", "rule", "as_of"),
    columns=(Column("account_id", STRING, "the account"), *COHORTS.columns[1:]),
    clustered_by=("as_of", "rule"),
    written_by="build_accounts",
)
