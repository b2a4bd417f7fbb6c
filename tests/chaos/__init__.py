"""Injects faults into a cluster from a seed, and holds what becomes of its runs to what really happened.

A seed decides a plan (plan.py): runs of a few seconds, several at once, on two or three hosts of a laboratory, and the
faults that meet them (faults/, each a small class: inject, undo, what it may cause). hosts.py makes the hosts, whose
ways to the controller are links of our own forwarder; cluster.py starts and restarts the daemons; play.py plays the
plan. The workloads are witnesses (programs/witness.py): each writes down what it did, in a file that plctl does not
know. The checker (checker.py) then says of every run whether its end is a named state that is true, and whether the
hosts and the machine are as before (remains.py). table.py has the report. Run it by `make chaos`, or, to see all that
is known of a seed, `cd tests && python -m chaos --seed 17`.
"""
