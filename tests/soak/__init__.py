"""Lets links come and go by the thousand under faults, and says what grows with them.

A controller and an agent live through all of it (load.py), on hosts as those of chaos/, in batches of short runs. After
each batch, when no run is left, it is counted what each process and the host have (counted.py); slopes.py says what
grows with a thousand links, and how sure that is. Run it by `make soak MINUTES=30`.
"""
