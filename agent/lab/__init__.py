"""A laboratory: many hosts on one machine, each with a network, a clock, processes and a state folder of its own."""
