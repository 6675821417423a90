"""The threshold follows from what operators will bear, the traffic and the list."""

from __future__ import annotations

import numpy as np
import pytest

from index.traffic import AlertBudget, Traffic


def test_longer_lists_busier_roads_and_less_patience_raise_the_threshold() -> None:
    base = Traffic(passes_per_camera_day=50_000)
    assert base.threshold(10) == base.lowest_threshold
    thresholds = [base.threshold(entries) for entries in (10, 1_000, 100_000, 1_000_000)]
    assert thresholds == sorted(thresholds)
    assert thresholds[-1] > 0.99
    busy = Traffic(passes_per_camera_day=500_000)
    patient = Traffic(passes_per_camera_day=50_000, false_alerts_per_camera_day=50)
    assert patient.threshold(100_000) < base.threshold(100_000) < busy.threshold(100_000)


def test_a_listed_plate_is_likelier_than_one_only_spelled_and_never_hopeless() -> None:
    traffic = Traffic(fleet=1e6, clustering=5.0)
    unlisted = np.array([2e-8, 1e-7, 0.0, 1e-6, 1e-9])
    listed = traffic.listed_prior(unlisted)
    np.testing.assert_allclose(listed, [2e-7, 2e-7, 2e-9, 1e-6, 5e-8])


def test_the_budget_finds_the_threshold_that_the_scores_allow() -> None:
    generator = np.random.default_rng(1)
    traffic = Traffic(passes_per_camera_day=1_000, false_alerts_per_camera_day=1.0)
    budget = AlertBudget(traffic)
    assert budget.threshold(1000) == traffic.threshold(1000)
    false, seen = 0, 0
    for _ in range(200):
        scores = generator.beta(2, 0.5, 100)  # one read in ten meets an entry
        is_false = generator.random(100) > scores
        threshold = budget.threshold(1000)
        if seen >= 20_000:
            false += int((is_false & (scores >= threshold)).sum())
        budget.observe(scores, 1000)
        seen += 1000
    assert budget.threshold(1000) > traffic.lowest_threshold
    # One false alert in 1,000 passes over 180,000.
    assert false == pytest.approx(180, rel=0.35)


@pytest.mark.parametrize(
    "wrong", [{"fleet": 0}, {"clustering": 0}, {"false_alerts_per_camera_day": 0}, {"lowest_threshold": 0}]
)
def test_settings_out_of_bounds_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"traffic|above|threshold"):
        Traffic(**wrong)
