"""Batches of scenarios of a deal, to Parquet: what varies, what is computed, and how a run survives what happens to it.

`scenariofile` reads a file, `axes` and `plan` say what each scenario's inputs are, `results` compute, `blocks` and
`manifest` write and check, `run` shares the work among processes.
"""
