"""Packet logs as captures for Wireshark: both ends of links in one pcapng file, each frame with its fate in words."""
