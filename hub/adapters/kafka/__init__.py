"""Kafka: the router's tasks and transactions, topics, what is appended to the log."""
