from hypothesis import given
from hypothesis import strategies as st

from segmentation.models.naming import name_segments
from segmentation.models.params import VOCABULARY


def test_names_say_what_stands_out_most_and_each_thing_once():
    centres = [
        {"days_since_last_event": -1.5, "active_days_count_30d": 1.0, "sessions_count_30d": 1.1, "value_sum_life": 0.3},
        {"days_since_last_event": 2.0, "active_days_count_30d": -0.9, "sessions_count_30d": -0.8},
        {"days_since_last_event": 0.1, "value_sum_life": -0.2},
        {"days_since_last_event": 0.0, "weekend_events_share_30d": 0.9},
    ]
    assert name_segments(centres, vocabulary=VOCABULARY) == (
        "recent, active customers",
        "lapsed, inactive customers",
        "typical customers",
        "high weekend events share 30d customers",
    )


def test_a_third_word_tells_apart_what_two_do_not():
    alike = {"days_since_last_event": -2.0, "sessions_count_30d": 1.5}
    names = name_segments([{**alike, "value_sum_life": 1.0}, {**alike, "value_sum_life": -1.0}], vocabulary=VOCABULARY)
    assert names == ("recent, active, high-value customers", "recent, active, low-value customers")


CENTRES = st.lists(st.dictionaries(st.sampled_from(sorted(VOCABULARY)), st.floats(-3, 3), max_size=4), max_size=9)


@given(CENTRES)
def test_names_are_unique_whatever_the_centres(centres: list[dict[str, float]]):
    names = name_segments(centres, vocabulary=VOCABULARY)
    assert len(set(names)) == len(centres)
