"""The link model in plain Python, written from its sources and not from the C core: what a packet log is judged by."""
