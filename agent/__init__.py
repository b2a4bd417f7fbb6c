"""The part of plctl that runs as root on every host: namespaces, forwarder, workloads, telemetry."""
