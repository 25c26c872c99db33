"""The loops that roll coupon dates out note by note, on serial days (days since 1970-01-01).

Knows no words: conventions and calendars come as codes and tables of days. The same bodies run compiled on many notes
and as plain Python on few, and whatever a loop calls stands in this file. Calendar arithmetic is that of the proleptic
Gregorian calendar counted from 1 March of the year 0, so that a leap day is the last of its year.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from notecalc.core._jit import kernel

__all__ = ["ANCHOR_COLUMNS", "COLUMNS", "MONTHS", "anchor_loop", "period_loop"]

# What each loop writes, one column after another.
ANCHOR_COLUMNS = ("month", "roll_day", "own_day", "origin", "anchor")
COLUMNS = (
    "note",
    "unadjusted_start",
    "unadjusted_end",
    "accrual_start",
    "accrual_end",
    "payment_date",
    "record_date",
    "reference_start",
    "reference_end",
)

# First days of months, from the year -99 to the year 10,099: a lookup takes a fifth of the time of the arithmetic.
_MONTHS_BEFORE = 12 * (1970 + 99)
MONTHS = (
    np.arange(-_MONTHS_BEFORE, 12 * (10_100 - 1970)).astype("datetime64[M]").astype("datetime64[D]").astype(np.int32)
)
MONTHS.flags.writeable = False

_MISSING = -(2**63)  # NaT
_BEFORE, _AFTER = -(2**62), 2**62  # days that a calendar doesn't know: earlier, or later, than any that it does
_OFF_CYCLE = -(2**62)
# Positions in `calendars.CONVENTIONS`; a row of `tables` is a calendar's times six, plus a convention's.
_CONVENTIONS, _FOLLOWING, _UNADJUSTED = 6, 0, 5


def _month_and_day(serial: Any) -> Any:
    """Give months since 1970-01 and the day of the month from 1."""
    since = serial + 719_468
    era = since // 146_097
    day_of_era = since - 146_097 * era
    year = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year + year // 4 - year // 100)
    month = (5 * day_of_year + 2) // 153
    return 12 * (400 * era + year - 1970) + month + 2, day_of_year - (153 * month + 2) // 5 + 1


def _first_of_month(month: Any) -> Any:
    since = month + 12 * 1970 - 2
    year = since // 12
    return 365 * year + year // 4 - year // 100 + year // 400 + (153 * (since - 12 * year) + 2) // 5 - 719_468


def _on_roll_day(month: Any, roll_day: Any, known: Any) -> Any:
    """Give the roll day of a month, or its last where it has no such day."""
    months = known[2]
    day = int(months[month + _MONTHS_BEFORE]) + roll_day - 1
    return day if roll_day <= 28 else min(day, int(months[month + _MONTHS_BEFORE + 1]) - 1)


def _moved(day: Any, row: Any, known: Any) -> Any:
    """Adjust a day by the table in a row of `tables`: where it begins in `moves`, its first day and its last."""
    tables, moves, _ = known
    begins = tables[3 * row]
    if begins < 0:
        return day
    if day < tables[3 * row + 1]:
        return _BEFORE
    if day > tables[3 * row + 2]:
        return _AFTER
    return day + int(moves[begins + day])


def _counted(j: Any, cycle: Any, known: Any) -> Any:
    """Give the unadjusted date `j` steps from the anchor."""
    month, roll_day, step, days, origin, _, _ = cycle
    return origin + j * days if days > 0 else _on_roll_day(month + j * step, roll_day, known)


def _cycle_date(j: Any, cycle: Any, known: Any) -> Any:
    """Give the date `j` steps from the anchor, adjusted if the cycle's dates are."""
    return cycle[5] if j == 0 else _moved(_counted(j, cycle, known), cycle[6], known)


def _located(date: Any, cycle: Any, known: Any) -> Any:
    """Give the step that holds a date."""
    month, _, step, days, origin, _, _ = cycle
    j = (date - origin) // days if days > 0 else (_month_and_day(date)[0] - month) // step
    while _cycle_date(j, cycle, known) > date:
        j -= 1
    while _cycle_date(j + 1, cycle, known) <= date:
        j += 1
    return j


def _steps_inside(limit: Any, sign: Any, cycle: Any, known: Any) -> Any:
    """Count the cycle's dates strictly between the anchor and a limit before it (`sign` -1) or after it."""
    month, roll_day, step, days, origin, _, _ = cycle
    if days > 0:
        return max((sign * (limit - origin) - 1) // days, 0)
    if step == 0:
        return 0
    steps = sign * (_month_and_day(limit)[0] - month) // step
    nearest = _on_roll_day(month + sign * steps * step, roll_day, known)
    return max(steps - (sign * nearest >= sign * limit), 0)


def _joins(inside: Any, limit: Any, limit_paid: Any, sign: Any, cycle: Any, adjusted: Any, known: Any) -> Any:
    """Tell whether days are left over beyond the last step inside, for a long stub to join to the period beside them.

    None are where the next date is the limit, or is adjusted to it: the limit may be adjusted already.
    """
    beyond = _counted(sign * (inside + 1), cycle, known)
    beyond_paid = _moved(beyond, cycle[6], known)
    if adjusted:
        return inside > 0 and beyond_paid != limit_paid
    return inside > 0 and limit not in (beyond, beyond_paid)


@kernel(
    reads=[
        "int64",
        "int64",
        "int64",
        "int64",
        "int8",
        "bool_",
        "int64",
        "int8",
        "int8",
        "int8",
        "bool_",
        "int64",
        "int32",
        "int32",
    ],
    writes="int64",
    calls=(_first_of_month, _month_and_day, _moved),
)
def anchor_loop(
    issue: Any, maturity: Any, first: Any, last: Any, generation: Any, end_of_month: Any, days: Any, calendar: Any,
    convention: Any, maturity_convention: Any, adjusts: Any, tables: Any, moves: Any, months: Any, out: Any,
) -> None:  # fmt: skip
    """Find what each note's cycle is counted from; see `ANCHOR_COLUMNS`.

    Where a month's last business day stands for its end, coupons are counted by its own day (`own_day`) and moved to
    the ends of their months (`roll_day`): a note issued on that day has no stub of a day or two.
    """
    count, known = len(issue), (tables, moves, months)
    for i in range(count):
        backward = generation[i] == 0
        stated = last[i] if backward else first[i]
        anchor = stated if stated != _MISSING else (maturity[i] if backward else issue[i])
        month, day = _month_and_day(anchor)
        next_month = _first_of_month(month + 1)
        table = _CONVENTIONS * int(calendar[i])
        roll_day = day
        if end_of_month[i] and days[i] == 0 and _moved(anchor + 1, table + _FOLLOWING, known) >= next_month:
            roll_day = 31
        rule = maturity_convention[i] if backward and stated == _MISSING else convention[i]
        out[i] = month
        out[count + i] = roll_day
        out[2 * count + i] = roll_day if anchor + 1 == next_month else day
        out[3 * count + i] = anchor
        out[4 * count + i] = _moved(anchor, table + rule, known) if adjusts[i] else anchor


@kernel(
    reads=[
        "int64", "int64", "int64", "int64", "int8", "int8", "int64", "int64", "int8", "int8", "int8", "bool_", "int64",
        "int64", "int64", "int32", "int32",
    ],
    writes="int64",
    calls=(
        _cycle_date, _counted, _first_of_month, _joins, _located, _month_and_day, _moved, _on_roll_day, _steps_inside,
    ),
)  # fmt: skip
def period_loop(  # noqa: C901, PLR0912, PLR0915 (one walk over the dates of each note, whose state is all local)
    issue: Any, maturity: Any, first: Any, last: Any, generation: Any, stub: Any, step: Any, days: Any, calendar: Any,
    convention: Any, maturity_convention: Any, adjusts: Any, record_days: Any, anchors: Any, tables: Any, moves: Any,
    months: Any, out: Any,
) -> int:  # fmt: skip
    """Fill the periods of all notes and tell how many there are; -1 - i if note i reaches beyond its calendar.

    `out` holds one row of places per column of `COLUMNS`, and behind them where each note's periods end.
    """
    count, known = len(issue), (tables, moves, months)
    capacity = (len(out) - count) // 9
    filled = 0
    for i in range(count):
        backward, adjusted, bullet = generation[i] == 0, adjusts[i], step[i] == 0 and days[i] == 0
        rule = _CONVENTIONS * int(calendar[i]) + int(convention[i])
        month, roll_day, own_day, origin, anchor = (
            anchors[i], anchors[count + i], anchors[2 * count + i], anchors[3 * count + i], anchors[4 * count + i],
        )  # fmt: skip
        counted = (month, own_day, step[i], days[i], origin, anchor, rule)
        cycle = (month, roll_day, step[i], days[i], origin, anchor, rule if adjusted else _UNADJUSTED)
        has_first, has_last = first[i] != _MISSING, last[i] != _MISSING
        low, high = first[i] if has_first else issue[i], last[i] if has_last else maturity[i]
        issue_paid = _moved(issue[i], rule, known)
        last_rule = _CONVENTIONS * int(calendar[i]) + int(maturity_convention[i])
        last_paid = _moved(maturity[i], last_rule, known)
        # A coupon that a rule moves to where it moves maturity is no coupon of its own; that rule is the coupons' where
        # they are counted back from maturity, and maturity's where they are counted up to it.
        merging = _moved(maturity[i], rule, known) if backward else last_paid
        if backward:
            inside = _steps_inside(low, -1, counted, known)
            if stub[i] == 1 and not has_first:
                inside -= _joins(inside, low, issue_paid, -1, counted, adjusted, known)
        else:
            inside = _steps_inside(high, 1, counted, known)
            if stub[i] == 1 and not has_last:
                inside -= _joins(inside, high, last_paid, 1, counted, adjusted, known)

        # Issue, first coupon, the dates of the cycle, last coupon and maturity; where a coupon date is not stated it
        # repeats its neighbour, and what doesn't move on is dropped.
        before, before_paid = issue[i], issue_paid
        j_before = _OFF_CYCLE if backward or has_first else 0
        for k in range(1, inside + 4):
            j = k - 2 - inside if backward else k - 1  # 0 is the anchor
            if k == inside + 3:
                day, paid = maturity[i], last_paid
                j = 0 if backward and not has_last else _OFF_CYCLE
            else:
                if k == 1:
                    day = low
                    j = _OFF_CYCLE if backward else 0
                elif k == inside + 2:
                    day = high
                    j = 0 if backward else _OFF_CYCLE
                else:
                    day = _counted(j, cycle, known)
                    if day > high:  # a month's end beyond its last business day
                        day, j = high, _OFF_CYCLE
                paid = _moved(day, rule, known)
                if day <= before or day >= maturity[i]:
                    continue
                if adjusted and (paid <= before_paid or paid >= last_paid):
                    continue
                merges = (paid if backward else _moved(day, last_rule, known)) == merging
                if adjusted and merges and not (backward and has_last):
                    continue
                # Issue or maturity may be a date of the cycle, already adjusted.
                if not adjusted and 1 < k < inside + 2 and (paid <= issue[i] or (merges and merging == maturity[i])):
                    continue
            start, end = (before_paid, paid) if adjusted else (before, day)
            reference_start, reference_end = start, end
            if not bullet and j != j_before + 1:
                held = _located(end - 1, cycle, known)
                reference_start = _cycle_date(held, cycle, known)
                reference_end = _cycle_date(held + 1, cycle, known)
                if reference_start <= _BEFORE or reference_end >= _AFTER:
                    return -1 - i
            out[filled] = i
            out[capacity + filled] = before
            out[2 * capacity + filled] = day
            out[3 * capacity + filled] = start
            out[4 * capacity + filled] = end
            out[5 * capacity + filled] = paid
            out[6 * capacity + filled] = day - record_days[i] if record_days[i] >= 0 else _MISSING
            out[7 * capacity + filled] = reference_start
            out[8 * capacity + filled] = reference_end
            filled += 1
            before, before_paid, j_before = day, paid, j
        out[9 * capacity + i] = filled
    return filled
