"""Disturbs runs on purpose, and holds what plctl says of them to a judge that has nothing from it.

A seed decides a run and what is done to it when (case.py, disturbances.py). It is played on real namespaces (play.py)
while the kernel keeps every frame that leaves or comes at both outer ends (capture/), the sender's each with a number
(programs/sender.py, capture/frame.py). The judge (judge.py) has a model of its own (path.py, bottleneck.py), written
from the description of the link alone, which it feeds with what really left; so it knows what must become of each
frame, and sees what did. sentence.py says what a verdict must be then, table.py prints it. Run it by `make truth`, or,
to see all that is known of a seed, `cd tests && python -m truth --seed 7`. Nothing here imports plctl. What the judge
takes on trust from a run is T0 (the event `run.committed`): a wrong one shows as frames that are early or late at the
scenario's next row.
"""
