"""A propensity training in full, as a document, and in plain words what is wrong with it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from segmentation.models.candidates import best_of_each_kind

if TYPE_CHECKING:
    from segmentation.models.propensity import PropensityFit


def propensity_report(fit: PropensityFit) -> dict[str, Any]:
    """Describe a training for readers and for the review."""
    finalists = [trial.setting for trial in best_of_each_kind(fit.trials)]
    return {
        "target": fit.target,
        "chosen": str(fit.chosen.setting),
        "candidates": [
            {
                "setting": str(trial.setting),
                "kind": trial.setting.kind,
                "cross_validated": dict(trial.figures),
                "later": dict(fit.finalists[trial.setting.kind]) if trial.setting in finalists else None,
                "chosen": trial.setting == fit.chosen.setting,
            }
            for trial in fit.trials
        ],
        "ahead_of": {name: {**asdict(d), "is_ahead": d.is_ahead} for name, d in fit.ahead_of.items()},
        "calibration": {"method": fit.calibration.method, "log_loss_held_out": dict(fit.calibration.held_out)},
        "by_segment": [{**asdict(one), "is_off": one.is_off} for one in fit.measured.by_segment],
        "decision": asdict(fit.measured.decision),
        "importances": [asdict(one) for one in fit.importances],
        "leaks": asdict(fit.leaks),
        "remarks": list_remarks(fit),
    }


def list_remarks(fit: PropensityFit) -> list[str]:
    """Return the remarks that users of the model must know, in plain words; empty if all is well."""
    remarks = [
        f"not ahead of {name.replace('_', ' ')} on later users: {difference}"
        for name, difference in fit.ahead_of.items()
        if not difference.is_ahead
    ]
    if not fit.measured.is_calibrated:
        error = fit.measured.metrics["calibration_error"]
        remarks.append(f"not calibrated: predicted and observed shares are {error:.3f} apart on average")
    remarks += [
        f"segment '{one.segment}': predicted {one.predicted:.3f}, came true {one.observed:.3f} "
        f"(95 % {one.lower:.3f} to {one.upper:.3f}, {one.users} users)"
        for one in fit.measured.by_segment
        if one.is_off
    ]
    remarks += [
        f"feature {name} alone separates who does from who does not (area under the ROC curve {area:.3f}): "
        f"does it know the future?"
        for name, area in fit.leaks.suspects.items()
    ]
    if fit.leaks.is_random_foreseen:
        remarks.append(
            f"random labels were predicted (area under the ROC curve {fit.leaks.random_auc_roc:.3f}): are there users "
            f"twice at a cut?"
        )
    if not any(trial.figures for trial in fit.trials):
        remarks.append(
            "one training cut only: settings could not be compared on later data, the first of each kind was taken"
        )
    return remarks
