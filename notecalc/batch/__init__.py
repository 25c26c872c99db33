"""Batches of scenarios of a deal or a tape, to Parquet: what varies, what is computed, and how a run survives.

`scenariofile` reads a file and `taped` a tape, `axes` and `plan` say what each scenario's inputs are, `results`
compute, `blocks` and `manifest` write and check, `store` and `hold` keep the place they go to, `run` shares the work
among the processes of `workers` or those of a `cluster`.
"""
