"""The Python API of results under its public name, `plctl.results`: runs and studies as Arrow tables.

    from plctl.results import open_run, open_study

    run = open_run("runs/last")
    run.telemetry("leo-0").to_pandas()

Everything else in plctl is internal and may change at any time; these names, and the columns that the reference of
results describes, keep their meaning within a format number.
"""

from plctl.controller.analysis.open_run import RunResults, open_run
from plctl.controller.analysis.open_study import StudyResults, open_study
from plctl.controller.analysis.statistics import BootstrapInterval, Paired, Summary, compare, jain_index, summarise

__all__ = [
    "BootstrapInterval",
    "Paired",
    "RunResults",
    "StudyResults",
    "Summary",
    "compare",
    "jain_index",
    "open_run",
    "open_study",
    "summarise",
]
