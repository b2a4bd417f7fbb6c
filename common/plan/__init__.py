"""What a run is asked to be: the plan that an agent gets, the request that a user makes, the forwarder's options."""
