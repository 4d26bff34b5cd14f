"""What is known of the invoice lines of Online Retail: what ingest must find is counted from the files by hand."""

from decimal import Decimal

LEDGER = {
    "read": 541_909,
    "parsed": 541_909,
    "accepted": 401_564,
    "duplicate": 5_225,
    "quarantined": 135_120,
    "reasons": {"non_positive_price": 40, "null_user": 135_080},
}
ACCEPTED = {"purchase": 392_692, "cancellation": 8_872}
PURCHASES = (Decimal("8887208.8940"), 4_338, 18_532)
"""Value, customers and invoices of the accepted purchases."""
