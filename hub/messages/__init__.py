"""What travels through the hub, as plain values: the envelope and one file per message type (R-MSG-01…16)."""
