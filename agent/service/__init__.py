"""The agent as a daemon: the protocol with the controller, clocks, and reports that wait to be sent."""
