"""The loop that carries principal and interest through the spans of each note; knows no dates and no words."""

from __future__ import annotations

from typing import Any

from notecalc.core._jit import kernel

__all__ = ["COLUMNS", "TREATMENTS", "carry"]

# What the loop writes, one column after another.
COLUMNS = (
    "principal",
    "interest_bearing",
    "accrued_before",
    "interest",
    "interest_paid",
    "capitalised",
    "forfeited",
    "principal_paid",
    "converted",
)
TREATMENTS = ("paid", "paid-with-coupon", "forfeited", "forfeited-before-record-date")
_PAID, _WITH_COUPON, _BEFORE_RECORD = 0, 1, 3
_ROUNDING = 1e-12  # of principal: what is left after that is nothing


@kernel(
    reads=["int64", "float64", "float64", "float64", "bool_", "float64", "float64", "float64", "int8", "int8", "bool_"],
    writes="float64",
)
def carry(  # noqa: C901, PLR0912 (one walk over the spans of each note, whose state is all local)
    offsets: Any, principal: Any, rate: Any, fraction: Any, ends_period: Any, share: Any, redeemed: Any, converted: Any,
    on_redemption: Any, on_conversion: Any, after_record: Any, out: Any,
) -> int:  # fmt: skip
    """Fill the columns for all spans; -1, or twice the first span in which more is taken than there is, plus its kind.

    Kinds: 0 redemption, 1 conversion.
    At the end of a period the coupon comes first, then what is redeemed and converted on the day. Principal that is
    converted after the record date bears interest to the end of its period, for the holder who had it.
    """
    count = len(rate)
    for i in range(len(principal)):
        left = principal[i]
        sign = -1.0 if left < 0 else 1.0
        accrued = owed = kept = 0.0  # owed: to be paid with the coupon, on principal that is gone
        for s in range(offsets[i], offsets[i + 1]):
            interest_paid = capitalised = forfeited = principal_paid = 0.0
            out[s] = left
            out[count + s] = left + kept
            out[2 * count + s] = accrued + owed
            out[3 * count + s] = (left + kept) * rate[s] * fraction[s]
            out[5 * count + s] = 0.0
            accrued += left * rate[s] * fraction[s]
            owed += kept * rate[s] * fraction[s]
            if ends_period[s]:
                capitalised = share[s] * accrued
                out[5 * count + s] = capitalised
                interest_paid = accrued - capitalised + owed
                left += capitalised
                accrued = owed = kept = 0.0
            for kind in range(2):
                taken, rule = (redeemed[s], on_redemption[i]) if kind == 0 else (converted[s], on_conversion[i])
                if taken != 0:
                    if abs(left - taken) <= _ROUNDING * abs(left):
                        taken = left
                    if (left - taken) * sign < 0:
                        return 2 * s + kind
                    part = accrued * (taken / left) if taken * left > 0 else 0.0
                    if rule == _PAID:
                        interest_paid += part
                    elif rule == _WITH_COUPON:
                        owed += part
                    elif rule == _BEFORE_RECORD and after_record[s] and not ends_period[s]:
                        owed += part
                        kept += taken
                    else:
                        forfeited += part
                    accrued -= part
                    left -= taken
                    if kind == 0:
                        principal_paid += taken
                out[8 * count + s] = taken  # of the conversion, which comes last
            if s == offsets[i + 1] - 1:
                principal_paid += left
                left = 0.0
            out[4 * count + s] = interest_paid
            out[6 * count + s] = forfeited
            out[7 * count + s] = principal_paid
    return -1
