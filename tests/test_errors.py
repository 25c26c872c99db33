"""Errors say where, what and how to mend it, are read by programs, and survive pickling."""

from __future__ import annotations

import pickle

import pytest

import notecalc as nc
from notecalc.errors import (
    DealFileError,
    IndexMismatchError,
    NotecalcError,
    Problem,
    TermError,
    UnknownDealError,
    did_you_mean,
)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"rule": "above 0", "got": -1}, "`principal` must be above 0; got -1"),
        ({"rule": "above 0", "got": -1, "row": 0}, "`principal` must be above 0; got -1 at row 0"),
        ({"rule": "a number", "got": "x", "hint": "Use 1"}, "`principal` must be a number; got 'x'. Use 1"),
        ({"rule": "a number", "got": None, "hint": ""}, "`principal` must be a number; got None"),
    ],
)
def test_a_term_error_says_place_rule_and_value(parts, message):
    assert str(TermError("principal", **parts)) == message


def test_a_term_error_can_be_read_by_a_program():
    error = TermError("annual_rate", rule="a decimal between -1 and 1", got=8.0, row=3, hint="Did you mean 0.08?")
    assert (error.name, error.rule, error.got) == ("annual_rate", "a decimal between -1 and 1", 8.0)
    assert (error.row, error.hint) == (3, "Did you mean 0.08?")


@pytest.mark.parametrize("kind", [TermError, IndexMismatchError])
def test_a_term_error_is_a_value_error_and_survives_pickling(kind):
    error = kind("principal", rule="above 0", got=-1, row=2, hint="Turn it round")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert str(again) == str(error)
    assert vars(again) == vars(error)
    assert isinstance(again, ValueError)
    assert isinstance(again, NotecalcError)


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (Problem("notes.rate", "must be a decimal", 8), "notes.rate: must be a decimal; got 8"),
        (Problem("notes.rate", "is missing", None), "notes.rate: is missing"),
        (
            Problem("notes.rat", "is unknown", "0.08", "Did you mean 'rate'?"),
            "notes.rat: is unknown; got '0.08'. Did you mean 'rate'?",
        ),
    ],
)
def test_a_problem_says_path_rule_and_value(problem, message):
    assert str(problem) == message


def test_a_deal_file_error_lists_every_problem_with_its_file():
    problems = [Problem("a", "is missing", None), Problem("b.c", "must be a date", 3)]
    assert str(DealFileError("x.toml", problems)) == (
        "x.toml: 2 problems\nx.toml: a: is missing\nx.toml: b.c: must be a date; got 3"
    )
    assert str(DealFileError("x.toml", problems[:1])) == "x.toml: 1 problem\nx.toml: a: is missing"


def test_a_deal_file_error_survives_pickling():
    error = DealFileError("x.toml", iter([Problem("a", "is missing", None)]))
    again = pickle.loads(pickle.dumps(error))
    assert (again.file, again.problems, str(again)) == (error.file, error.problems, str(error))
    assert isinstance(again, ValueError)


def test_an_unknown_deal_is_a_lookup_error():
    assert issubclass(UnknownDealError, LookupError)
    assert issubclass(UnknownDealError, NotecalcError)


@pytest.mark.parametrize(
    ("word", "hint"),
    [("maturty", "Did you mean 'maturity'?"), ("xyz", None), ("principal", "Did you mean 'principal'?")],
)
def test_did_you_mean_the_nearest_known_word_if_any_is_near(word, hint):
    assert did_you_mean(word, ["maturity", "principal"]) == hint


def test_an_error_of_many_knows_every_row():
    with pytest.raises(TermError) as caught:
        nc.accrued_interest(100, [0.08, 8.0, 0.08, 9.0], "2004-06-18", "2004-12-18", day_count="30/360")
    assert caught.value.row == 1
    assert caught.value.rows == [1, 3]
    assert pickle.loads(pickle.dumps(caught.value)).rows == [1, 3]
