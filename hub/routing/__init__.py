"""Who is concerned by a message, and everything one record causes. Pure: standard library only, no clock."""
