from ringfence.listeners.pacing import Backoff


def test_pauses_double_up_to_the_longest_and_begin_again_after_a_success() -> None:
    backoff = Backoff(first=5, longest=60, chance=lambda: 0.5)
    assert [backoff.failed() for _ in range(6)] == [5, 10, 20, 40, 60, 60]
    backoff.succeeded()
    assert backoff.failed() == 5
