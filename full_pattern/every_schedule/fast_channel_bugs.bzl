"""The seeded bugs in the fast channel."""

load(":seeded_bug.bzl", "seeded_bug")

_BUGS = [
    # Memory orders, weakened to relaxed. full_pattern/fast_channel/README.md says why three are
    # missing here.
    dict(
        name = "lock_does_not_acquire",
        change = r"s/()memory_order_acquire/\1memory_order_relaxed/",
        file = "full_pattern/fast_channel/brief_lock.h",
        preemptions = 2,
        scenarios = "fast_channel",
        test = "FastChannelSchedules.TwoSendersDoNotMix",
        verdict = "data race",
    ),
    dict(
        name = "unlock_does_not_release",
        change = r"s/()memory_order_release/\1memory_order_relaxed/",
        file = "full_pattern/fast_channel/brief_lock.h",
        preemptions = 2,
        scenarios = "fast_channel",
        test = "FastChannelSchedules.TwoSendersDoNotMix",
        verdict = "data race",
    ),
    dict(
        name = "close_does_not_release",
        change = r"s/(closed_.store.true, std::)memory_order_release/\1memory_order_relaxed/",
        file = "full_pattern/fast_channel/fast_queue.h",
        preemptions = 2,
        scenarios = "fast_channel",
        test = "FastChannelSchedules.WhatWasSentBeforeTheCloseIsReceived",
        verdict = "the value that was sent is lost",
    ),
    dict(
        name = "receive_does_not_acquire_the_close",
        change = r"s/(closed_.load.std::)memory_order_acquire/\1memory_order_relaxed/",
        file = "full_pattern/fast_channel/fast_queue.h",
        preemptions = 2,
        scenarios = "fast_channel",
        test = "FastChannelSchedules.WhatWasSentBeforeTheCloseIsReceived",
        verdict = "the value that was sent is lost",
    ),
    dict(
        name = "count_is_not_acquired",
        change = r"s/(other.count.load.std::)memory_order_acquire/\1memory_order_relaxed/",
        file = "full_pattern/fast_channel/fast_queue.h",
        preemptions = 2,
        scenarios = "fast_channel",
        test = "FastChannelSchedules.AValueIsComplete",
        verdict = "data race",
    ),
    dict(
        name = "step_is_not_released",
        change = r"s/(side.steps, std::)memory_order_release/\1memory_order_relaxed/",
        file = "full_pattern/fast_channel/fast_queue.h",
        preemptions = 2,
        scenarios = "fast_channel",
        test = "FastChannelSchedules.AValueIsComplete",
        verdict = "data race",
    ),
    # The canceled sender was notified and does not count as notified, so no other sender is woken.
    dict(
        name = "canceled_fast_sender_eats_the_wake_up",
        change = r"s/notified_ > 0 \?/notified_ > 0 \&\& !stay_.cancel_.stop_requested() ?/",
        file = "full_pattern/fast_channel/waiting_room.h",
        scenarios = "fast_channel",
        test = "FastChannelSchedules.ACanceledSenderLeavesTheRoomToTheOther",
        verdict = "deadlock",
    ),
]

def fast_channel_bugs(name):
    """Declares one test for each bug.

    Args:
      name: of the suite of these tests.
    """
    for bug in _BUGS:
        seeded_bug(**bug)
    native.test_suite(
        name = name,
        tags = ["manual"],
        tests = [bug["name"] for bug in _BUGS],
    )
