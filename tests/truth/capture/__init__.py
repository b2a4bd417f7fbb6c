"""The judge's eyes: frames at both ends of a link, by sockets of its own or by tcpdump."""
