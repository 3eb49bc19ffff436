"""The database's revisions, run from the package by `hub.adapters.database.schema.upgrade`."""
