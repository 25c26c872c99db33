"""What a convertible note is worth: contract and market as arrays, one finite-difference engine, three models.

`terms` is the contract, `valuation` and `implied` are what users call; `_timeline` lays a contract out as segments of
time, and `_engine` carries a grid back through them: `_march` through a segment, `_events` through a day.
"""
