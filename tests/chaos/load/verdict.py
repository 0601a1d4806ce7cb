"""What must be true in the end, and the figures. No time decides whether anything is wrong."""

from collections.abc import Iterator, Sequence

from tests.chaos.load.limits import OVERALL
from tests.chaos.load.run import Load


def wrongs(load: Load) -> list[str]:
    """Everything that is not as it must be; empty when all is well."""
    return [*_codes(load), *_order(load), *_queue(load), *_program(load)]


def _codes(load: Load) -> Iterator[str]:
    codes = load.chats.codes
    if load.webhooks.given_up or len(codes.taken_at) != load.plan.codes:
        yield f"{len(codes.taken_at)} of {load.plan.codes} SMS were taken"
    lost = [code for code in codes.sent_at if code not in codes.shown]
    if lost:
        yield f"{len(lost)} codes are lost"
    twice = sum(len(shown) - 1 for shown in codes.shown.values())
    if twice:
        yield f"{twice} second copies"
    astray = sum(codes.chat_of.get(code) != chat for code, shown in codes.shown.items() for chat, _ in shown)
    if astray:
        yield f"{astray} codes came to another chat than their own"
    stale = sum(code not in load.chats.card(chat) for chat, code in codes.newest.items())
    if stale:
        yield f"{stale} cards do not show their newest code"


def _order(load: Load) -> Iterator[str]:
    limits, shown = load.chats.limits, load.chats.shown
    if limits.refused:
        yield f"Telegram refused {dict(limits.refused)}"
    for kind in ("card", "answer", "menu"):
        if many := shown[f"overtaking {kind}"]:
            yield f"{many} messages of kind {kind} were sent while codes waited"
    if shown["answer"] < load.crowd.said:
        yield f"{shown['answer']} answers to {load.crowd.said} commands"
    if shown["card"] > load.plan.codes:
        yield f"{shown['card']} edits of cards for {load.plan.codes} codes"


def _queue(load: Load) -> Iterator[str]:
    samples = load.probe.samples
    if load.all_s is None:
        yield f"after {load.plan.patience_s:.0f} s, messages are still owed"
    deepest = max(one.codes for one in samples)
    if deepest * 2 < load.probe.most_owed or any(one.codes > one.pending for one in samples):
        yield f"{load.probe.most_owed} codes were owed, and /readyz showed no more than {deepest}"
    if load.plan.rate > OVERALL and not any(one.oldest_code_ms > 0 for one in samples):
        yield "/readyz never showed how long codes waited"
    if (last := samples[-1]).pending or last.oldest_ms or last.codes or last.oldest_code_ms:
        yield f"/readyz shows in the end {last}"
    if set(load.outbox) - {"sent"}:
        yield f"the outbox holds {load.outbox}"


def _program(load: Load) -> Iterator[str]:
    if load.probe.unanswered:
        yield f"/readyz gave no answer {load.probe.unanswered} times"
    if any(not one.ready for one in load.probe.samples[1:]):
        yield "/readyz was not ready in between"
    if load.exit_code != 0:
        yield f"the program stopped with {load.exit_code}"
    if load.complaints:
        yield f"{len(load.complaints)} complaints in its log, such as {load.complaints[0]!r}"


def figures(load: Load) -> dict[str, str]:
    plan, codes, shown = load.plan, load.chats.codes, load.chats.shown
    answers, samples = load.webhooks.answer_s, load.probe.samples
    delays = [shown[0][1] - codes.sent_at[code] for code, shown in codes.shown.items()]
    taking_s = max(codes.taken_at.values(), default=0.0) - min(codes.sent_at.values(), default=0.0)
    others = shown["card"] + shown["answer"] + shown["menu"]
    overtaking = {kind: shown[f"overtaking {kind}"] for kind in ("card", "answer", "menu")}
    return {
        "SMS sent, taken": f"{len(codes.sent_at)}, {len(codes.taken_at)}",
        "taken a second": f"{len(codes.taken_at) / max(taking_s, 1e-9):.1f}",
        "a webhook's answer: median, 99 %, worst": _spread(answers, 1000, "ms"),
        "answers to webhooks": ", ".join(f"{status}: {many}" for status, many in load.webhooks.statuses.items()),
        "refused by Telegram (429)": str(sum(load.chats.limits.refused.values())),
        "a code's way: median, 99 %, worst": _spread(delays, 1, "s"),
        "all codes shown after": f"{_s(load.codes_s)}, {(load.codes_s or 0) / plan.bound_s:.3f} of what Telegram needs",
        "nothing owed after": f"{_s(load.all_s)} ({others} edits and menus besides the codes)",
        "shown while older codes waited": ", ".join(f"{kind}: {many}" for kind, many in overtaking.items()),
        "cards: changes, edits sent": f"{plan.codes}, {shown['card']}",
        "commands, answers; presses, edits of menus": f"{load.crowd.said}, {shown['answer']}; "
        f"{load.crowd.pressed}, {shown['menu']}",
        "/readyz: most owed, for how long": f"{max(one.pending for one in samples)}, "
        f"{max(one.oldest_ms for one in samples) / 1000:.1f} s; codes {max(one.codes for one in samples)}, "
        f"{max(one.oldest_code_ms for one in samples) / 1000:.1f} s",
        "memory at most": f"{load.peak_mib:.0f} MiB",
        "CPU": f"{load.cpu_s:.1f} s, {100 * load.cpu_s / max(load.all_s or plan.patience_s, 1e-9):.0f} % of one core",
        "stopped in": _s(load.stop_s),
    }


def _spread(values: Sequence[float], scale: float, unit: str) -> str:
    if not values:
        return "none"
    ordered = sorted(values)
    picks = (ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)], ordered[-1])
    return ", ".join(f"{value * scale:.1f} {unit}" for value in picks)


def _s(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"
