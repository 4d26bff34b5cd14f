from segmentation.evaluation.judgement import judge_structure
from segmentation.evaluation.params import EvaluationParams


def judged(*, found: bool, jaccards: dict[str, float | None]):
    figures = judge_structure(found=found, rule="the rule", jaccards=jaccards, params=EvaluationParams())
    return {(f.metric, f.scope): (f.value, f.status) for f in figures}


def test_no_structure_is_a_breach_and_so_is_a_segment_that_dissolves():
    assert judged(found=False, jaccards={"everyone": None}) == {("cluster_structure", "clusters"): (0.0, "breach")}
    assert judged(found=True, jaccards={"b": 0.6, "a": 0.75}) == {
        ("cluster_structure", "clusters"): (1.0, "ok"),
        ("segment_jaccard", "segment:a"): (0.75, "ok"),
        ("segment_jaccard", "segment:b"): (0.6, "breach"),
    }
