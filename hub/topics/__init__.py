"""What travels and how it is written: topics, schemas, the codec, keys and tables."""
