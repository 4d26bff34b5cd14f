"""Items of a user's day, which `segmentation.sessions.item_counts` counts: not a stored table."""

EVENT_NAME = "event_name"
PLATFORM = "platform"
CHANNEL = "channel"
DEVICE_TYPE = "device_type"
PURCHASE_NAME = "purchase_name"
"""Event name of a purchase that counts."""
HOUR = "hour"
"""Of the reporting zone, 00 to 23."""
TRANSITION = "transition"
"""Platform, state before and state after, with STEP_SEPARATOR between them."""
STEP_SEPARATOR = "\u001f"
"""U+001F, unit separator: no platform or state contains it (reason `control_character`)."""
ITEM_COUNTS = "item_counts"
"""Name of the counts where features say what they are computed from."""
DIMENSIONS = (EVENT_NAME, PURCHASE_NAME, PLATFORM, DEVICE_TYPE, CHANNEL, HOUR, TRANSITION)
ITEM_COLUMNS = ("user_id", "event_date", "dimension", "item", "n")
"""Columns: user, day of the event (of the session's start for transitions), what is counted, its value, how often."""
