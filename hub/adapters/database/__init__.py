"""PostgreSQL, the hub's one database: finding or starting a server, its tables and its queries."""
