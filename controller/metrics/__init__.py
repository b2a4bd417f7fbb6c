"""Readers of what programs print (iperf3, ping, our probe, flent, any JSON or text): numbers, units in their names."""
