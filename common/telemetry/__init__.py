"""What links and sockets report: counters, histograms, samples, columns, and the packet log's records."""
