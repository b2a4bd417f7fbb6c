"""What may be asked for where a link or a run fails, and what kept a run from its end."""

from __future__ import annotations

from typing import Literal

#: What happens to the other links of a run that has started when one has failed: they go on to their end, or the run is
#: ended. Before the start there is no choice: no link starts unless all can.
OnFailure = Literal["continue", "cancel"]
#: What kept a run from its end that says nothing of what it was to measure: it did not start, an agent was lost, or the
#: controller's machine was started again. Empty: nothing did, or somebody cancelled the run. Such a run may be retried.
Setback = Literal["", "not started", "agent lost", "interrupted"]
