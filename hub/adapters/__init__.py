"""Everything that touches the outside world: brokers, databases, HTTP, files. Translates, decides nothing."""
