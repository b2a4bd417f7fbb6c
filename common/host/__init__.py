"""What a process knows of the machine it runs on: facts, rights, the service manager, and its owner's folder."""
