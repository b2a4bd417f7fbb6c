"""What Prometheus reads of the page's server: agents, runs and the links of runs that go on."""
