"""Nothing is told before it has held, nor taken back before it has gone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from video.health.debounce import Debounce


def test_a_condition_is_raised_once_it_has_held_and_cleared_once_it_has_gone() -> None:
    debounce: Debounce[str] = Debounce(raise_s=30, clear_s=60)
    looks = {t: debounce.look(t, {"dark"} if 10 <= t < 60 else set()) for t in range(0, 200, 10)}
    assert {t: (set(c.raised), set(c.cleared)) for t, c in looks.items() if c} == {
        40: ({"dark"}, set()),
        120: (set(), {"dark"}),
    }


def test_what_can_not_be_judged_stays_as_it_is() -> None:
    debounce: Debounce[str] = Debounce(raise_s=20, clear_s=20, longer={"slow": 100})
    for t in (0, 10, 20):
        debounce.look(t, {"dark", "slow"})
    assert dict(debounce.standing) == {"dark": 0}
    for t in range(30, 200, 10):
        assert not debounce.look(t, set(), judged=set())
    assert dict(debounce.standing) == {"dark": 0}
    assert not debounce.look(200, set()), "its absence is waited for anew"
    assert debounce.look(220, set()).cleared == {"dark"}


def test_what_is_not_known_yet_settles_once_it_has_been_absent_for_long_enough() -> None:
    debounce: Debounce[str] = Debounce(raise_s=20, clear_s=40)
    settled = {}
    for t in range(0, 80, 10):
        debounce.look(t, set(), {"a", "b"})
        settled[t] = set(debounce.settled)
    assert settled[30] == set()
    assert settled[40] == {"a", "b"}
    fresh: Debounce[str] = Debounce(raise_s=20, clear_s=40)
    for t in range(0, 200, 10):
        fresh.look(t, {"a"} if t % 30 == 0 else set(), {"a"})
    assert not fresh.settled, "it comes and goes: nothing is sure"


@given(
    st.lists(st.tuples(st.floats(0.5, 20), st.sets(st.sampled_from("abc")), st.booleans()), max_size=60),
    st.floats(0, 40),
    st.floats(0, 40),
)
def test_every_change_was_held_for_as_long_as_it_must(
    looks: list[tuple[float, set[str], bool]], raise_s: float, clear_s: float
) -> None:
    debounce: Debounce[str] = Debounce(raise_s, clear_s)
    t, history, standing = 0.0, [], set()
    for step, present, is_judged in looks:
        t += step
        judged = None if is_judged else set()
        history.append((t, present, judged))
        change = debounce.look(t, present, judged)
        assert not change.raised & change.cleared
        for key, hold_s, is_raised in [
            *((key, raise_s, True) for key in change.raised),
            *((key, clear_s, False) for key in change.cleared),
        ]:
            assert (key in standing) is not is_raised, "no change is told twice"
            for then, seen, could in reversed(history):
                assert (key in seen) is is_raised
                assert could is None or key in seen
                if t - then >= hold_s:
                    break
            else:
                raise AssertionError(f"{key} had not held for {hold_s} s")
        standing = (standing | change.raised) - change.cleared
        assert standing == set(debounce.standing)
