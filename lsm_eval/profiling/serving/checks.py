"""Whether a measurement was limited by the server or by the client."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lsm_eval.profiling.serving.drive import SentLoad
from lsm_eval.profiling.serving.formulas import ttft
from lsm_eval.profiling.serving.stamps import TimedRequest
from lsm_eval.results.profile_rows import SelfCheckRow

MOST_LAG_SHARE = 0.05
"""Largest p99 lag of the event loop, as a share of the median time to first token."""
MOST_RATE_OFF = 0.02
"""Largest relative deviation of a rate or a concurrency from the requested one."""
_LEAST_WINDOW = 10
"""Least number of requests, started while all places were taken, for a meaningful mean concurrency."""


def self_check(
    driven: SentLoad,
    requests: Sequence[TimedRequest],
    *,
    rate: float | None = None,
    concurrency: int | None = None,
) -> SelfCheckRow:
    """Compares what the client did with what was requested: the `rate` of an open loop (requests a second, as scheduled), or the
    `concurrency` of a closed one."""
    reasons: list[str] = []
    lag = float(np.percentile(driven.lags, 99)) * 1e-9 if len(driven.lags) else None
    first = [ttft(one) for one in requests if one.whole]
    share = lag / float(np.median(first)) if first and lag is not None else None
    if share is not None and lag is not None and share > MOST_LAG_SHARE:
        reasons.append(
            f"the client's event loop was up to {1000 * lag:.3g} ms late (p99), {100 * share:.0f} % of the median time to first "
            f"token; {100 * MOST_LAG_SHARE:.0f} % is the most"
        )
    sent_rate = _rate([one.started for one in requests])
    scheduled = _rate([one.scheduled for one in requests if one.scheduled is not None])
    if scheduled and sent_rate and abs(sent_rate / scheduled - 1) > MOST_RATE_OFF:
        reasons.append(
            f"{sent_rate:.4g} requests a second were sent where {scheduled:.4g} were to be: off by over "
            f"{100 * MOST_RATE_OFF:.0f} %"
        )
    achieved = None if concurrency is None else mean_concurrency(requests, concurrency)
    if achieved is not None and concurrency is not None and abs(achieved / concurrency - 1) > MOST_RATE_OFF:
        reasons.append(
            f"{achieved:.4g} requests were under way where {concurrency} were to be: off by over {100 * MOST_RATE_OFF:.0f} %"
        )
    waits = [(one.started - one.scheduled) * 1e-9 for one in requests if one.scheduled is not None]
    completed = sum(one.whole for one in requests)
    return SelfCheckRow(
        client_bound=bool(reasons),
        reasons=reasons,
        client_cpu_share=driven.cpu / driven.wall if driven.wall else None,
        loop_lag_p99=lag,
        loop_lag_p50=float(np.median(driven.lags)) * 1e-9 if len(driven.lags) else None,
        loop_lag_share=share,
        send_lag_p99=float(np.percentile(waits, 99)) if waits else None,
        asked_rate=rate,
        sent_rate=sent_rate if scheduled else None,
        achieved_rate=completed / driven.wall if driven.wall else None,
        asked_concurrency=concurrency,
        achieved_concurrency=achieved,
    )


def mean_concurrency(requests: Sequence[TimedRequest], concurrency: int) -> float | None:
    """Mean number of requests under way, from the time when all places were first taken until the last request was started; None if
    too few were started meanwhile."""
    starts = sorted(one.started for one in requests)
    if len(starts) < concurrency + _LEAST_WINDOW:
        return None
    begin, end = starts[concurrency - 1], starts[-1]
    if end <= begin:
        return None
    under_way = sum(max(min(one.ended or end, end) - max(one.started, begin), 0) for one in requests)
    return under_way / (end - begin)


def _rate(times: Sequence[int]) -> float | None:
    if len(times) < 2 or max(times) <= min(times):
        return None
    return (len(times) - 1) / ((max(times) - min(times)) * 1e-9)
