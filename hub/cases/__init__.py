"""What a case is, and how each message changes it. Pure: standard library only, no clock."""
